"""Ticks when beat does not. A thread in every worker looks once a second at beat's newest pulse; when it is silent for
three seconds (beat dead, broker down, queue stuck) the worker ticks and drains by itself, straight from PostgreSQL,
every second until beat is heard again.

It starts with the worker's pool and not with its connection to the broker: a worker that starts while there is no
broker watches all the same. It listens for three seconds before it judges, and looks no more once its worker is told
to stop: an ordinary start or stop is no silence.
"""

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import bootsteps
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from engine import clock, partitions
from engine.db import run
from engine.dispatch import shards
from engine.notifications import delivery
from engine.pulse import beat
from tasks import sending, sweeping, ticking
from tasks.celery import app
from tasks.edge import database

EVERY_SECONDS = 1.0
LISTEN_SECONDS = beat.SILENT_AFTER.total_seconds()
log = structlog.get_logger()


class Watchdog:
    """`mail`: the thread that sends while this one looks on; None until there was something to send."""

    def __init__(self) -> None:
        self.mail: threading.Thread | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        _make_partitions()
        self._stop.wait(LISTEN_SECONDS)
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.tick_if_silent(clock.now())
            except Exception as error:  # noqa: BLE001 - whatever failed, the next second must be looked at
                log.warning("watchdog.failed", error=type(error).__name__)

    def tick_if_silent(self, now: datetime) -> bool:
        """Serve this second ourselves if beat has stopped; True if we did."""
        engine = database()
        found = run(engine, lambda session: _look(session, now))
        if found is None:
            return False
        busy, has_mail = found
        log.warning("beat.silent", busy_shards=len(busy))
        queued = sweeping.drain(engine, busy)
        if has_mail or queued:
            self._send(engine)
        return True

    def _send(self, engine: Engine) -> None:
        """Aside, one at a time: a slow relay must not keep the next second waiting."""
        if self.mail is None or not self.mail.is_alive():
            self.mail = threading.Thread(target=_deliver, args=(engine,), name="watchdog's mail", daemon=True)
            self.mail.start()


def _deliver(engine: Engine) -> None:
    try:
        sending.deliver(engine)
    except Exception as error:  # noqa: BLE001 - what was leased comes up again by itself
        log.warning("watchdog.failed", error=type(error).__name__)


def _look(session: Session, now: datetime) -> tuple[list[int], bool] | None:
    """Everything that is due, and whether mail waits; None while beat is heard, or if the second is not ours."""
    if not beat.is_silent(session, now=now) or not ticking.take_up(session, now, "watchdog", now=now):
        return None
    return shards.busy(session, until=now), delivery.is_ready(session, now=now)


def _make_partitions() -> None:
    """After a long sleep the partitions of today may not exist yet; the default ones bridge the gap."""
    try:
        run(database(), lambda session: partitions.make_ahead(session, now=clock.now()))
    except Exception as error:  # noqa: BLE001 - the hourly task tries again
        log.warning("partitions.failed", error=type(error).__name__)


class Step(bootsteps.StartStopStep):
    """After the pool, so that no thread is copied into its processes; before the consumer, which waits for a broker."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self.watchdog = Watchdog()

    def start(self, parent: Any) -> None:  # noqa: ARG002
        self.watchdog.start()
        _on_stop_signal(self.watchdog.stop)

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        self.watchdog.stop()


def _on_stop_signal(stop: Callable[[], None]) -> None:
    """Celery stops its steps only when running tasks have had their time: long enough to be taken for silence."""
    if threading.current_thread() is not threading.main_thread():
        return
    for each in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(each, _first(stop, signal.getsignal(each)))


def _first(stop: Callable[[], None], then: Any) -> Callable[..., None]:
    def handle(*args: object) -> None:
        stop()
        if callable(then):
            then(*args)

    return handle


app.steps["worker"].add(Step)
