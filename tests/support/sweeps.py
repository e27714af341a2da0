"""Let the engine's clock stand at an instant: what a tick would do then, over all shards with work."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import due, lapse, shards, wakeups

_WIND_BACK = text("UPDATE shards SET claimed_due_at = :to, claimed_id = 0, closed_closes_at = :to, closed_id = 0")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one instant brought: doses told, closed either way, and told again."""

    told: int = 0
    missed: int = 0
    not_reminded: int = 0
    woken: int = 0
    queued: int = 0


def wind_back(session: Session, *, to: datetime) -> None:
    """The sweeps have got as far as `to`: tests live at instants of their own."""
    session.execute(_WIND_BACK, {"to": to})


def sweep(session: Session, *, now: datetime) -> Swept:
    """Claim, close and wake, as a worker does."""
    told = missed = not_reminded = woken = queued = 0
    for shard in shards.busy(session, until=now):
        lease = shards.lease(session, shard)
        if lease is None:  # somebody else is at it
            continue
        claimed, lapsed = due.claim(session, lease, now=now), lapse.lapse(session, lease, now=now)
        awake = wakeups.wake(session, lease, now=now)
        if awake.is_closing:
            later = lapse.lapse_deferred(session, lease, now=now)
            missed, not_reminded = missed + later.missed, not_reminded + later.not_reminded
        told, missed, not_reminded = told + claimed.told, missed + lapsed.missed, not_reminded + lapsed.not_reminded
        woken, queued = woken + awake.told, queued + claimed.queued + lapsed.queued + awake.queued
    return Swept(told, missed, not_reminded, woken, queued)


def sweep_gaps(session: Session, who: Who, *, now: datetime) -> Swept:
    """What the sweep behind the cursors finds in one person's shard."""
    claimed = due.claim_gap(session, who.person.shard, now=now)
    lapsed = lapse.lapse_gap(session, who.person.shard, now=now)
    return Swept(claimed.told, lapsed.missed, lapsed.not_reminded, 0, claimed.queued + lapsed.queued)
