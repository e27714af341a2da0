"""The closing sweep over a day of doses: everybody was told in time by an e-mail that was sent, and nobody answered.

So each dose leaves an outcome, a fact, a notice in the bell and a message to be sent, and its first notice is marked
read: the most that closing can cost. Where doses were answered the sweep passes over them.
"""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.crew import Crew, Measured, prepared
from engine.db import run
from engine.dispatch import due, lapse, shards
from engine.notifications.addresses import seal
from engine.tables import SHARDS

_STEP = timedelta(minutes=15)  # the rules of the mix are due at quarters of an hour
_LONGEST = timedelta(hours=25)  # after its instant every window is over
_CHANNELS = text(
    "INSERT INTO channels (user_id, kind, address, label, is_enabled, confirmed_at, created_at)"
    " SELECT id, 'email', :address, 'p…@example.com', true, :now, :now FROM users"
)
_ALL_WERE_SENT = text(
    "WITH sent AS (DELETE FROM outbox RETURNING notification_id, channel_id, step, user_id)"
    " INSERT INTO deliveries (recorded_at, notification_id, channel_id, step, fence, user_id, outcome, may_repeat)"
    " SELECT :now, notification_id, channel_id, step, 1, user_id, 'sent', false FROM sent"
)
_CURSORS = text("UPDATE shards SET claimed_due_at = :at, claimed_id = 0, closed_closes_at = :at, closed_id = 0")
_FOUR_IN_FIVE_ANSWERED = text(
    "INSERT INTO reminder_logs (user_id, medicine_id, reminder_id, key_date, slot, segment, dose_id, revision, status,"
    " rule_version, due_at, closes_at, planned_local, time_zone, amount, taken_at, recorded_at, recorded_by, source)"
    " SELECT user_id, medicine_id, reminder_id, key_date, slot, segment, id, 1, 'taken', rule_version, due_at,"
    " closes_at, planned_local, time_zone, amount, due_at, due_at, user_id, 'app' FROM doses WHERE id % 5 > 0"
)


def give_channels(engine: Engine, *, now: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(_CHANNELS, {"address": seal({"to": "p@example.com"}), "now": now})


def tell_a_day(engine: Engine, since: datetime, *, are_answered: bool) -> None:
    """Claim every dose of a day as a worker would, at its quarter of an hour; not measured here."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE notifications, outbox, deliveries, events, reminder_logs"))
        connection.execute(text("DELETE FROM doses WHERE due_at >= :end"), {"end": since + timedelta(days=1)})
        connection.execute(_CURSORS, {"at": since})
        if are_answered:
            connection.execute(_FOUR_IN_FIVE_ANSWERED)
    for quarter in range(1, 4 * 24 + 1):
        run(engine, partial(_claim, now=since + quarter * _STEP))
    with engine.begin() as connection:
        connection.execute(_ALL_WERE_SENT, {"now": since + timedelta(days=1)})
    prepared(engine)


def _claim(session: Session, now: datetime) -> None:
    for shard in shards.busy(session, until=now):
        lease = shards.lease(session, shard)
        assert lease
        while due.claim(session, lease, now=now).seen >= due.BATCH:
            lease = shards.lease(session, shard)
            assert lease


def close_all(engine: Engine, mine: range, now: datetime) -> int:
    """Each shard until nothing is left, a batch and a transaction at a time; returns the windows that ended."""
    closed = 0
    for shard in mine:
        seen = lapse.BATCH
        while seen >= lapse.BATCH:
            seen = run(engine, partial(_close, shard=shard, now=now))
            closed += seen
    return closed


def _close(session: Session, shard: int, now: datetime) -> int:
    lease = shards.lease(session, shard)
    return lapse.lapse(session, lease, now=now).seen if lease else 0


def sweep(one: Crew, two: Crew, since: datetime) -> tuple[Measured, Measured]:
    """Half the shards over one connection, the other half over two at once."""
    now, half = since + timedelta(days=1) + _LONGEST, SHARDS // 2
    alone = one.do(close_all, (range(half), now))
    prepared(one.ground.engine)
    return alone, two.do(close_all, *[(range(half + place, SHARDS, 2), now) for place in (0, 1)])
