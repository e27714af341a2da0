"""An upgrade with data and people in it: two migrate at once, and two versions run side by side for a while."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest

from engine.settings import load
from tests.support.acknowledged import assert_letters
from tests.support.invariants import assert_invariants
from tests.support.machine import Machine, until
from tests.support.mailbox import mailbox
from tests.support.morning import Morning, morning
from tests.support.playing import REPO, Stage, stage
from tests.support.taking import Taking

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
HEAD = "migrations/.current-head"

pytestmark = pytest.mark.slow


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(REPO), *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkout before the last migration, in a folder of its own."""
    if shutil.which("git") is None or not git("rev-parse", "HEAD"):
        pytest.skip("there is no history here to take the former version from")
    ours = (REPO / HEAD).read_text().strip()
    commits = ["HEAD", *git("log", "--format=%H", "--", HEAD).split()]
    found = next((each for each in commits if git("show", f"{each}:{HEAD}") not in ("", ours)), None)
    if found is None:
        pytest.skip("no former version is in this checkout's history")
    folder = tmp_path_factory.mktemp("former")
    with (
        Popen(["git", "-C", str(REPO), "archive", found], stdout=subprocess.PIPE) as archive,
        tarfile.open(fileobj=archive.stdout, mode="r|") as packed,
    ):
        packed.extractall(folder, filter="data")
    return folder


def migrate(on_stage: Stage, where: Path = REPO) -> "Popen[bytes]":
    return Popen([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=where, env=on_stage.environment)


@pytest.fixture
def before_the_upgrade(
    own_machine: Machine, former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """A database as the former version made it, with its programs at work in it."""
    with psycopg.connect(own_machine.cluster.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS pillio_empty")
        connection.execute("CREATE DATABASE pillio_empty TEMPLATE template0")
    with mailbox() as post, stage(own_machine, post, tmp_path, 63, template="pillio_empty") as made:
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
            monkeypatch.setenv(name, made.environment[name])
        load.cache_clear()
        assert migrate(made, former).wait(60) == 0
        made.start("worker", *EVERYTHING, where=former)
        made.start("beat", where=former)
        made.start("api", where=former)
        made.wait_up("api")
        yield made
        load.cache_clear()


def test_two_versions_side_by_side_tell_everybody_once_and_keep_every_answer(before_the_upgrade: Stage) -> None:
    """Migrated twice at once under load; then the new programs join the old, and then the old ones go."""
    on_stage = before_the_upgrade
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=40)
        on_stage.do("UPDATE channels SET is_enabled = false")
        mornings = [morning(on_stage, 200, addresses=10, seconds=2)]
        with taking.going_on(0.1):
            migrations = [migrate(on_stage), migrate(on_stage)]
            assert [each.wait(120) for each in migrations] == [0, 0]
            mornings[0].wait_told()
            for name in ("worker", "beat"):
                on_stage.start(name, *(EVERYTHING if name == "worker" else ()), name=f"new {name}")
            for turn in (1, 2, 3):
                mornings.append(morning(on_stage, 200, addresses=10, seconds=2, first=100_001 + 1000 * turn))
                mornings[-1].wait_told()
                print(f"two versions: the last was told {mornings[-1].lateness():.1f} s late")
            new_api(on_stage)
            for name in ("worker", "beat"):
                on_stage.kill_all(name)
            mornings.append(morning(on_stage, 200, addresses=10, seconds=2, first=110_001))
            mornings[-1].wait_told()
        taking.finish()
    all_is_well(on_stage, mornings, taking)


def new_api(on_stage: Stage) -> None:
    """In place of the old one, on its port: whoever asks meanwhile asks again."""
    on_stage.kill_all("api")
    on_stage.start("api")
    on_stage.wait_up("api")
    until(lambda: on_stage.ready()[0] == 200, or_else="the new version is not ready")


def all_is_well(on_stage: Stage, mornings: list[Morning], taking: Taking) -> None:
    for each in mornings:
        each.wait_sent()
    assert taking.statuses <= {200, 503, 0}
    taking.assert_kept(on_stage.engine)
    on_stage.end()
    assert_letters(on_stage.engine, on_stage.post.letters)
    assert_invariants(on_stage.engine, datetime.now(UTC))
