"""Real workers, started as the stack starts them: one with a broker, and one that has none when it starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from engine.pulse.models import Pulse
from ops.ports import free_port
from tasks import ticking
from tests.support.mailbox import Mailbox
from tests.support.messages import became, make_channel
from tests.support.partitions import drop_all
from tests.support.queues import Broker
from tests.support.reminders import World, bell, make_world

REPO = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 60.0

Worlds = sessionmaker[Session]


@contextmanager
def worker(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in this process's environment; what it says is kept, and said if it ends by itself."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "tasks", "worker", "-l", "warning", *arguments]
    command += ["--without-gossip", "--without-mingle"]
    said = folder / "worker.log"
    with said.open("wb") as log:
        own = os.environ | {"REMAP_SIGTERM": "SIGQUIT", "PYTHONWARNINGS": "ignore"} | environment
        process = subprocess.Popen(command, cwd=REPO, env=own, stdout=log, stderr=log)
    try:
        yield process
        assert process.poll() is None, said.read_text()
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    for secret in ("ada@example.com", "Metformin"):
        assert secret not in said.read_text()


def until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


def ada_due_now(world: Worlds) -> World:
    """A dose of a minute ago, planned before it was due and not told."""
    now = datetime.now(UTC)
    due = now - timedelta(minutes=1)
    with world.begin() as session:
        ada = make_world(session, at=f"{due:%H:%M:%S}", time_zone="UTC", now=due - timedelta(minutes=1))
        make_channel(session, ada.who, now=now)
    return ada


def is_told_and_sent(world: Worlds, ada: World) -> bool:
    with world() as session:
        told = [row["kind"] for row in bell(session, ada.who)]
        assert told in ([], ["due"])
        return [each["outcome"] for each in became(session, ada.who)] == ["sent"]


def sources(world: Worlds) -> set[str]:
    with world() as session:
        return set(session.scalars(select(Pulse.source)))


@pytest.fixture
def folder(tmp_path: Path, db_engine: Engine) -> Iterator[Path]:
    """For what the worker says. The partitions it made are dropped when it has ended."""
    yield tmp_path
    drop_all(db_engine)


def test_a_tick_a_drain_and_a_letter_by_a_worker(world: Worlds, broker: Broker, post: Mailbox, folder: Path) -> None:
    ada = ada_due_now(world)
    with worker(folder, "-Q", "tick,drain,upkeep,send", "-c", "2"):

        def ticks() -> bool:
            ticking.tick.delay(datetime.now(UTC).isoformat())
            return is_told_and_sent(world, ada) and "beat" in sources(world)

        until(ticks)
    [letter] = post.letters
    assert letter.text.startswith("Metformin - 1 tablet")


def test_a_worker_that_starts_without_a_broker_tells_and_sends_all_the_same(
    world: Worlds, post: Mailbox, folder: Path
) -> None:
    ada = ada_due_now(world)
    with worker(folder, "-Q", "tick,drain,upkeep", "-c", "1", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"):
        until(lambda: is_told_and_sent(world, ada))
    assert sources(world) == {"watchdog"}
    assert len(post.letters) == 1


def test_a_worker_told_to_stop_while_it_sends_does_not_call_beat_silent(
    world: Worlds, broker: Broker, post: Mailbox, folder: Path
) -> None:
    """What runs is given three seconds, in which this worker takes up no ticks."""
    ada_due_now(world)
    post.hangs.add("ada@example.com")
    with worker(folder, "-Q", "tick,drain,upkeep,send", "-c", "2"):

        def ticks() -> int:
            ticking.tick.delay(datetime.now(UTC).isoformat())
            return post.attempts

        until(ticks)
        before = (folder / "worker.log").read_text()
    post.hangs.clear()
    assert "beat.silent" not in (folder / "worker.log").read_text().removeprefix(before)
