"""The tick and what it sets off. A tick is a unique row, so any number of beats is harmless."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import shared_task
from sqlalchemy.orm import Session

from engine import clock
from engine.db import run
from engine.dispatch import shards
from engine.notifications import delivery
from engine.pulse import beat
from tasks import sweeping
from tasks.edge import database

ARM = timedelta(seconds=1)  # drains are sent ahead and sleep to the instant
STALE = timedelta(seconds=10)  # a tick that lay about this long stands for a second that others have served


@dataclass(frozen=True, slots=True)
class Work:
    """What a tick has found: shards with something due already, and with something due by the armed instant."""

    overdue: list[int]
    ahead: list[int]
    has_mail: bool


@shared_task(name="pillio.tick", expires=3)
def tick(at: str) -> None:
    """Take up the second `at` (ISO 8601); publish one drain for each shard with work, one send if mail waits."""
    slot, now = datetime.fromisoformat(at), clock.now()
    if abs(now - slot) > STALE:
        return
    # Doses are due at whole seconds, and beat ticks at whatever fraction of one it was started at. Armed for the next
    # whole second, not for a second from now, a drain claims them within milliseconds whatever that fraction is.
    until = max(beat.slot_of(slot) + ARM, now)
    work = run(database(), lambda session: look(session, slot, beat.BEAT, until=until, now=now))
    if work is None:
        return
    # Left over by a second without a tick (beat drifts), or due at no whole second (a snooze): not to wait for one.
    for shard in work.overdue:
        drain.apply_async((shard, now.isoformat()), expires=30)
    for shard in work.ahead:
        drain.apply_async((shard, until.isoformat()), expires=30)
    if work.has_mail:
        wake_senders()


@shared_task(name="pillio.drain")
def drain(shard: int, until: str) -> None:
    """Claim, close and wake everything of one shard that is due at `until`."""
    sweeping.wait_until(datetime.fromisoformat(until))
    if sweeping.drain(database(), shard):
        wake_senders()


def look(session: Session, slot: datetime, source: str, *, until: datetime, now: datetime) -> Work | None:
    """What there is to do until then; None if somebody else has taken up this second."""
    if not beat.record(session, at=slot, source=source, now=now):
        return None
    busy = shards.busy(session, until=until)
    overdue = shards.busy(session, until=now) if busy else []
    return Work(overdue, busy if until > now else [], delivery.is_ready(session, now=now))


def wake_senders() -> None:
    from tasks.sending import send

    send.apply_async(expires=30)
