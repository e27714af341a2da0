"""A disk that is full under both servers: what is acknowledged is kept, and all goes on when there is room."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.settings import load
from tests.support.acknowledged import assert_letters
from tests.support.invariants import assert_invariants
from tests.support.machine import machine, until
from tests.support.mailbox import mailbox
from tests.support.morning import morning
from tests.support.playing import stage
from tests.support.taking import Taking

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
SIZE = "320m"
BLOCK = b"\0" * 65536

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, in memory. Only root may make one, and not everywhere."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=711", "pillio-faults", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Until not a block more fits; the file to delete when there shall be room again."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while file.write(BLOCK) == len(BLOCK):
            pass
    return filler


def test_a_full_disk_stops_what_must_be_written_and_loses_nothing_acknowledged(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine(small_disk) as made, mailbox() as post, stage(made, post, tmp_path) as on_stage:
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
            monkeypatch.setenv(name, on_stage.environment[name])
        load.cache_clear()
        on_stage.start("worker", *EVERYTHING)
        on_stage.start("beat")
        on_stage.perform("api")
        with on_stage.caller() as caller:
            taking = Taking.of_many(caller, doses=30)
            on_stage.do("UPDATE channels SET is_enabled = false")
            at_eight = morning(on_stage, 2000, addresses=20, seconds=8)
            until(lambda: on_stage.ready()[0] == 200, or_else="it never got ready")
            with taking.going_on(0.2):
                filler = fill(small_disk)
                until(lambda: datetime.now(UTC) > at_eight.due_at + timedelta(seconds=12))
                print(f"disk full: {at_eight.told} of 2000 told, answers {dict(taking.heard)}")
                filler.unlink()
                made.set_right()
                at_eight.wait_told(120)
            taking.finish()
        at_eight.wait_sent()
        until(lambda: on_stage.ready()[0] == 200, or_else="it did not get ready again")
        assert taking.statuses <= {200, 503}
        taking.assert_kept(on_stage.engine)
        assert_letters(on_stage.engine, on_stage.post.letters)
        assert all(on_stage.running[name].poll() is None for name in ("worker", "beat", "api"))
        assert_invariants(on_stage.engine, datetime.now(UTC))
    load.cache_clear()
