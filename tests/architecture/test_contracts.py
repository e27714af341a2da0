"""The import contracts hold, and each breaks when its rule is broken: a violation is planted in a copy of the code."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import CODE, HILL, ROOT, contracts, everything

EDGES = "Edges stand on the engine, the engine on schedules, and never back"
ARITHMETIC = "Schedules is arithmetic"
NO_WEB = "The engine knows no web framework and no queue"
NO_SOCKET = "The engine opens no socket of its own"
ONLY_EMAIL = "Only email hands messages to the world"
PURE = "Decisions are pure"
ONE_CLOCK = "Only the edges read the clock"
ONE_TRANSACTION = "Only the edges open transactions"
PRIVATE = "Tables are private to the engine"
ACYCLIC = "No cycles between siblings, anywhere"

# Where the violation is planted, what it is, and the contracts it breaks: these and no others.
# `planted` is an empty module of the edges, so that what an edge imports itself does not matter here.
PLANTS = [
    ("api/planted.py", "import tasks.planted", {EDGES}),
    ("tasks/planted.py", "from api import planted", {EDGES}),
    ("tasks/planted.py", "import ops.planted", {EDGES}),
    ("engine/doses/lookup.py", "import tasks.planted", {EDGES}),
    ("engine/doses/lookup.py", "def late():\n    from api import planted", {EDGES}),
    ("engine/errors.py", "import ops.planted", {EDGES}),
    ("schedules/rules.py", "from engine import quantity", {EDGES}),
    ("engine/medicines/catalogue.py", "from engine.inventory import ledger", {HILL, ACYCLIC}),
    ("engine/reminders/queries.py", "from engine.inventory import history", {HILL}),
    ("engine/events/log.py", "from engine.accounts import access", {HILL}),
    ("engine/tables.py", "import engine.keys", {HILL}),
    ("engine/refills/__init__.py", "import decimal", {HILL}),
    ("engine/helpers.py", "import decimal", {HILL}),
    ("schedules/rules.py", "import dateutil.rrule", {ARITHMETIC}),
    ("engine/notifications/email.py", "from fastapi import FastAPI", {NO_WEB}),
    ("engine/dispatch/due.py", "from celery import shared_task", {NO_WEB}),
    ("engine/notifications/delivery.py", "import smtplib", {NO_SOCKET}),
    ("tasks/planted.py", "import apprise", {ONLY_EMAIL}),
    ("engine/doses/states.py", "from sqlalchemy.orm import Session", {PURE}),
    ("engine/errors.py", "import engine.settings", {HILL, PURE}),
    ("engine/doses/horizon.py", "from engine.clock import now", {ONE_CLOCK}),
    ("engine/inventory/ledger.py", "from engine.db import transaction", {ONE_TRANSACTION}),
    ("tasks/planted.py", "from engine.tables import SHARDS", {PRIVATE}),
    ("api/planted.py", "from engine.doses.models import Dose", {PRIVATE, "Only doses touches the tables of doses"}),
    ("engine/inventory/cycle.py", "import engine.inventory.turn", {ACYCLIC}),
    ("ops/planted.py", "import ops.turn", {ACYCLIC}),
]
BESIDE = {
    "engine/inventory/cycle.py": ("engine/inventory/turn.py", "import engine.inventory.cycle"),
    "ops/planted.py": ("ops/turn.py", "import ops.planted"),
}
HIGHEST = "reports"  # above every capability that has tables now: from there only the owner's contract can break


def _owners() -> list[str]:
    """The capabilities that have tables."""
    return sorted(module.capability for module in everything() if re.fullmatch(r"engine\.\w+\.models", module.name))


def _only(owner: str) -> str:
    return f"Only {owner} touches the tables of {owner}"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code and its contracts, with an empty module in each edge to plant in."""
    folder = tmp_path_factory.mktemp("house") / "original"
    for package in (*CODE, "migrations"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for edge in ("ops", "api", "tasks"):
        (folder / edge / "planted.py").touch()
    shutil.copy2(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to plant in."""
    folder = tmp_path / "house"
    shutil.copytree(original, folder)
    yield folder
    shutil.rmtree(folder)


def test_the_code_keeps_every_contract(original: Path) -> None:
    kept, broken = _lint(original)

    assert not broken
    assert kept == {contract["name"] for contract in contracts()}


@pytest.mark.parametrize(
    ("file", "line", "expected"), PLANTS, ids=[f"{file}: {line.splitlines()[-1].strip()}" for file, line, _ in PLANTS]
)
def test_a_planted_import_breaks_its_contract_and_no_other(
    copy: Path, file: str, line: str, expected: set[str]
) -> None:
    _plant(copy, file, line)
    if file in BESIDE:
        _plant(copy, *BESIDE[file])

    _, broken = _lint(copy)

    assert broken == expected


def test_a_capability_that_reaches_for_the_tables_of_another_breaks_the_owners_contract(copy: Path) -> None:
    owners = [owner for owner in _owners() if owner != HIGHEST]
    _plant(copy, f"engine/{HIGHEST}/__init__.py", "\n".join(f"import engine.{owner}.models" for owner in owners))

    _, broken = _lint(copy)

    assert broken == {_only(owner) for owner in owners}


def test_every_capability_with_tables_has_a_contract_that_guards_them() -> None:
    guarded = {contract["name"] for contract in contracts() if str(contract["name"]).startswith("Only ")}

    assert {_only(owner) for owner in _owners()} == guarded - {ONLY_EMAIL, ONE_CLOCK, ONE_TRANSACTION}


def test_every_contract_is_broken_on_purpose_here() -> None:
    planted = {name for *_, names in PLANTS for name in names} | {_only(owner) for owner in _owners()}

    assert planted == {contract["name"] for contract in contracts()}


def test_no_import_is_ignored() -> None:
    assert not [contract["name"] for contract in contracts() if any("ignore" in option for option in contract)]


def test_a_module_that_calls_itself_pure_is_held_to_it() -> None:
    [pure] = [contract["source_modules"] for contract in contracts() if contract["name"] == PURE]
    assert isinstance(pure, list)
    says_so = {module.name for module in everything() if module.source.startswith('"""Pure: ')}

    assert says_so <= set(pure)


def _plant(folder: Path, file: str, line: str) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as module:
        module.write(f"\n{line}\n")


def _lint(folder: Path) -> tuple[set[str], set[str]]:
    """The names of the contracts kept and broken, as `lint-imports` prints them."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"COLUMNS": "300"}, capture_output=True, text=True, check=False
    )
    found = dict(re.findall(r"^(.+) (KEPT|BROKEN)$", done.stdout, re.MULTILINE))
    assert len(found) == len(contracts()), done.stdout + done.stderr
    broken = {name for name, verdict in found.items() if verdict == "BROKEN"}
    assert done.returncode == bool(broken)
    return set(found) - broken, broken
