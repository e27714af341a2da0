"""The edge commits. An engine function never ends its caller's transaction."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, of, planted

ENDS_A_TRANSACTION = {"commit", "rollback", "begin", "prepare"}


def _transactions(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENDS_A_TRANSACTION:
            yield f"{module.at(node)} calls {ast.unparse(node.func)}"
    for node, string in module.strings():
        if re.match(r"\s*(BEGIN|COMMIT|ROLLBACK|START TRANSACTION)\b", string):
            yield f"{module.at(node)} says {string}"


def test_nothing_in_the_engine_commits_but_its_door_to_the_database() -> None:
    found = {finding.split(":")[0] for module in of("engine") for finding in _transactions(module)}

    assert found == {"engine.db"}


@pytest.mark.parametrize("line", ["session.commit()", "self.session.rollback()", 'session.execute(text("COMMIT"))'])
def test_a_planted_commit_is_seen(line: str) -> None:
    assert list(_transactions(planted(line)))
    assert not list(_transactions(planted("with session.begin_nested(): ...")))
