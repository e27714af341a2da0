"""The tick and what it sets off. A tick is a unique row, so any number of beats is harmless."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery import shared_task
from sqlalchemy.orm import Session

from engine import clock
from engine.db import run
from engine.dispatch import shards
from engine.notifications import delivery
from engine.pulse import beat
from tasks import edge, sweeping
from tasks.edge import database

ARM = timedelta(seconds=1)  # drains are sent ahead and sleep to the instant
STALE = timedelta(seconds=10)  # a tick that lay about this long stands for a second that others have served


log = structlog.get_logger()


GROUPS = 16  # of shards, each drained by one message: enough for as many workers at once
LOST_AFTER = timedelta(seconds=2)  # what lies unclaimed for so long, while no drain waits, had its message lost


@dataclass(frozen=True, slots=True)
class Work:
    """Shards that get work by the armed instant, and shards that must not wait for it."""

    ahead: list[int]
    overdue: list[int]
    has_mail: bool


@shared_task(name="pillio.tick", expires=3)
def tick(at: str) -> None:
    """Take up the second `at` (ISO 8601); publish drains for the shards with work, one send if mail waits."""
    slot, now = datetime.fromisoformat(at), clock.now()
    if abs(now - slot) > STALE:
        return
    # Doses are due at whole seconds, and beat ticks at whatever fraction of one it was started at. Armed for the next
    # whole second, not for a second from now, a drain claims them within milliseconds whatever that fraction is.
    until = max(beat.slot_of(slot) + ARM, now)
    is_idle = not edge.drains_waiting()
    work = run(database(), lambda session: _taken_up(session, slot, until, is_idle=is_idle, now=now))
    if work is None:
        return
    for instant, busy in ((now, work.overdue), (until, work.ahead)):
        for group in grouped(busy):
            drain.apply_async((group, instant.isoformat()), expires=30)
    if work.has_mail:
        wake_senders()


def _taken_up(session: Session, slot: datetime, until: datetime, *, is_idle: bool, now: datetime) -> Work | None:
    """What this second adds to what earlier ones have sent out; None if it is not ours, or not to be trusted.

    A shard is sent out once for what it gets: in a spike the queue is long, and asking again would make it longer.
    Only when no drain waits, and a shard lies unclaimed all the same, its message was lost and goes out again.
    """
    since = beat.served_until(session, slot=slot, ahead=ARM)
    if not take_up(session, slot, beat.BEAT, now=now):
        return None
    ahead = shards.busy(session, since=since or shards.EVER, until=until)
    # Left over by a second without a tick (beat drifts), or due at no whole second (a snooze).
    overdue = shards.busy(session, since=since or shards.EVER, until=now) if ahead else []
    lost = shards.busy(session, until=now - LOST_AFTER) if is_idle else []
    return Work(ahead if until > now else [], sorted({*overdue, *lost}), delivery.is_ready(session, now=now))


@shared_task(name="pillio.drain")
def drain(group: list[int], until: str) -> None:
    """Claim, close and wake everything of these shards that is due at `until`."""
    sweeping.wait_until(datetime.fromisoformat(until))
    if sweeping.drain(database(), group):
        wake_senders()


def grouped(busy: list[int]) -> list[list[int]]:
    """So many messages at most, whatever is due: one costs more than a small shard's doses."""
    return [busy[start::GROUPS] for start in range(min(GROUPS, len(busy)))]


def take_up(session: Session, slot: datetime, source: str, *, now: datetime) -> bool:
    """Is this second ours to serve? Not if somebody else has taken it up, nor while our clock cannot be trusted.

    A second nobody takes up is what makes `/health/ready` say so.
    """
    if not clock.agrees(session):
        log.error("clock.disagrees", ahead_seconds=clock.ahead(session).total_seconds())
        return False
    return beat.record(session, at=slot, source=source, now=now)


def wake_senders() -> None:
    from tasks.sending import send

    send.apply_async(expires=30)
