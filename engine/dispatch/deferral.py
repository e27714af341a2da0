"""Windows that an outage of ours ran through: they close later, by as long as it lasted.

While nothing ran, nobody could answer through us. The dose's row stays as it is; when its window would have closed, a
wake-up of kind `close` says when it really does. Almost always there was no outage, and one probe says so.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.pulse import outages

LOOKS_BACK = timedelta(hours=48)  # longer than the longest window: no older outage overlaps one that closes now

_SAME = (
    "w.reminder_id = {0}.reminder_id AND w.key_date = {0}.key_date AND w.slot = {0}.slot AND w.segment = {0}.segment"
)
# For the closing statements: `b` is the dose.
UNLESS_DEFERRED = (
    f" AND NOT EXISTS (SELECT FROM wakeups w WHERE {_SAME.format('b')} AND w.kind = 'close' AND w.wake_at > :now)"
)
WHOSE_TIME_HAS_COME = (
    "(d.reminder_id, d.key_date, d.slot, d.segment) IN (SELECT w.reminder_id, w.key_date, w.slot, w.segment"
    " FROM wakeups w WHERE w.shard = :shard AND w.kind = 'close' AND w.wake_at <= :now)"
)
_DEFER = (
    "WITH batch AS MATERIALIZED (SELECT reminder_id, key_date, slot, segment, shard, user_id, id, due_at, closes_at"
    "  FROM doses d WHERE {which}),"
    " held AS (SELECT b.*, closes_at + (SELECT sum(least(o.ended_at, b.closes_at) - greatest(o.began_at, b.due_at))"
    "  FROM outages o WHERE o.began_at < b.closes_at AND o.ended_at > b.due_at) AS closes_really_at FROM batch b)"
    " INSERT INTO wakeups (reminder_id, key_date, slot, segment, step, kind, shard, user_id, dose_id, wake_at,"
    " recorded_at) SELECT reminder_id, key_date, slot, segment, 0, 'close', shard, user_id, id, closes_really_at, :now"
    " FROM held b WHERE closes_really_at > :now AND NOT EXISTS (SELECT FROM reminder_logs l"
    "  WHERE l.reminder_id = b.reminder_id AND l.key_date = b.key_date AND l.slot = b.slot AND l.segment = b.segment"
    "  AND l.superseded_at IS NULL AND l.status <> 'open') ON CONFLICT DO NOTHING RETURNING 1"
)
_FORGET = text("DELETE FROM wakeups WHERE shard = :shard AND kind = 'close' AND wake_at <= :now")


def is_needed(session: Session, *, now: datetime) -> bool:
    """Did an outage end so lately that a window closing now may overlap it?"""
    return outages.any_since(session, now - LOOKS_BACK)


def defer(session: Session, which: str, values: dict[str, Any], *, now: datetime) -> int:
    """Of the doses `which` selects, those that close later than their rows say; returns how many."""
    return len(session.execute(text(_DEFER.format(which=which)), values | {"now": now}).all())


def forget(session: Session, shard: int, *, now: datetime) -> None:
    """The wake-ups whose doses have been closed."""
    session.execute(_FORGET, {"shard": shard, "now": now})
