"""`schedules` is arithmetic: the standard library and itself, no clock, no files, no network."""

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, of, planted

# What the standard library offers that is not arithmetic. `pathlib` and `importlib` stay: tzdata's tables are files.
NOT_ARITHMETIC = {
    "asyncio", "http", "logging", "multiprocessing", "random", "secrets", "shutil", "signal", "socket", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip


def _foreign(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "." * node.level]
        for name in names:
            root = name.split(".")[0]
            if root != "schedules" and (root not in sys.stdlib_module_names or root in NOT_ARITHMETIC):
                yield f"{module.at(node)} imports {name}"


def test_schedules_imports_the_standard_library_and_itself() -> None:
    assert not [finding for module in of("schedules") for finding in _foreign(module)]


@pytest.mark.parametrize(
    "line", ["import sqlalchemy", "from engine import clock", "import time", "def f():\n    import dateutil.rrule"]
)
def test_a_planted_import_is_seen(line: str) -> None:
    assert list(_foreign(planted(line, "schedules.planted")))
    assert not list(_foreign(planted("import datetime\nfrom schedules.rules import Rule", "schedules.planted")))
