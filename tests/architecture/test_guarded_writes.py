"""A state changes by one guarded UPDATE, never by read, change and save: two who did that at once would both win."""

import ast
from collections.abc import Iterator

import pytest

from engine.metadata import metadata
from tests.architecture.house import Module, of, planted

COLUMNS = {column.name for table in metadata.tables.values() for column in table.columns}


def _assigned(module: Module) -> Iterator[str]:
    """`row.status = …`, by whatever spelling."""
    for node in ast.walk(module.tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in (leaf for each in targets if each is not None for leaf in ast.walk(each)):
            if _is_column(target):
                yield f"{module.at(node)} assigns {ast.unparse(target)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr":
            yield f"{module.at(node)} says setattr"


def _is_column(target: ast.AST) -> bool:
    is_stored = isinstance(target, ast.Attribute) and isinstance(target.ctx, ast.Store) and target.attr in COLUMNS
    return is_stored and ast.unparse(target.value) != "self"


def test_no_column_of_a_row_is_assigned_to() -> None:
    assert "status" in COLUMNS
    assert not [finding for module in of("engine", "api", "tasks") for finding in _assigned(module)]


@pytest.mark.parametrize(
    "line", ["dose.status = 'missed'", "dose.revision += 1", "a, dose.status = x", "setattr(dose, name, 1)"]
)
def test_a_planted_assignment_is_seen(line: str) -> None:
    assert list(_assigned(planted(line)))
    assert not list(_assigned(planted("self.code = code\nstatus = dose.status\nresponse.status_code = 404")))
