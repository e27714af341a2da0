"""The migration files themselves: one line of history, bounded waiting, and a meaning that no later code can change."""

import ast
import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "migrations" / "versions").glob("*.py"))
FIRST_WORDS = "op.execute(\"SET LOCAL lock_timeout = '5s'\")"


@pytest.fixture(scope="module")
def history() -> ScriptDirectory:
    return ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))


def test_there_is_one_head_and_the_file_that_makes_two_a_conflict_names_it(history: ScriptDirectory) -> None:
    assert history.get_heads() == [(ROOT / "migrations" / ".current-head").read_text().strip()]


def test_migrations_are_numbered_in_the_order_they_run(history: ScriptDirectory) -> None:
    in_order = [script.revision for script in reversed(list(history.walk_revisions()))]

    assert in_order == [f"{number:04d}" for number in range(1, len(FILES) + 1)]
    assert [path.name[:5] for path in FILES] == [f"{revision}_" for revision in in_order]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_says_what_it_is_for(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""

    assert re.match(r"\S.+\n\nRevision: \d{4}, ", doc)


@pytest.mark.parametrize("way", ["upgrade", "downgrade"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_never_queues_up_behind_a_lock(path: Path, way: str) -> None:
    """Its first words, both ways, so that a deploy gives up rather than stop everybody else."""
    [function] = [
        node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef) and node.name == way
    ]

    assert ast.unparse(function.body[0]) == ast.unparse(ast.parse(FIRST_WORDS))


def test_a_new_migration_begins_with_the_lock_timeout_both_ways() -> None:
    assert (ROOT / "migrations" / "script.py.mako").read_text().count(f"    {FIRST_WORDS}\n") == 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_imports_nothing_of_ours(path: Path) -> None:
    """What it did once it does for good: a changed constant or type must not change the past."""
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }

    assert not modules & {"engine", "schedules", "api", "tasks", "ops", "migrations"}
