"""Claim what is due: the notification row is the claim, unique by dose and kind, and nothing is updated.

Three ways in, one statement: a shard's cursor (the tick), one reminder just saved (inline), and the gap sweep, which
finds rows that were committed behind the cursor. An early answer silences a dose without having written anything here.

What comes more than five minutes late, because we were not awake, says so, and reaches a person's other addresses as
one message, however many doses it stands for: a machine that comes back must not empty a week on somebody's phone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from engine.dispatch import shards
from engine.dispatch.shards import Lease
from engine.doses.horizon import DUE_ALREADY
from engine.notifications.channels import USABLE
from engine.notifications.planning import KEEP_TRYING

BATCH = 2000
GAP_LOOKS_BACK = timedelta(minutes=15)  # a row committed later than this behind the cursor is closed, not claimed

AWAKE_WITHIN = timedelta(minutes=5)  # later than this nobody was reminded in time

_DOSE = (
    "reminder_id, key_date, slot, segment, id, user_id, medicine_id, rule_version, due_at, closes_at, planned_local,"
    " planned_at"
)


# Answered doses and closed windows pass without a word.
_TOLD = (
    "INSERT INTO notifications (subject_id, key_date, slot, segment, kind, user_id, dose_id, medicine_id, rule_version,"
    " due_at, planned_local, data, created_at)"
    " SELECT reminder_id, key_date, slot, segment, 'due', user_id, id, medicine_id, rule_version, due_at,"
    " planned_local, CASE WHEN due_at < :punctual_since AND planned_at < due_at"
    "  THEN jsonb_build_object('is_late', true) END, :now"
    " FROM batch b WHERE closes_at > :now AND NOT EXISTS (SELECT FROM reminder_logs l"
    "  WHERE l.reminder_id = b.reminder_id AND l.key_date = b.key_date AND l.slot = b.slot AND l.segment = b.segment"
    "  AND l.superseded_at IS NULL AND l.status <> 'open')"
    " ON CONFLICT DO NOTHING RETURNING id, user_id, key_date, data"
)
_QUEUED = (
    "INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    " SELECT t.id, c.id, 0, t.user_id, t.key_date, :now, :expires_at FROM told t"
    f" JOIN channels c ON c.user_id = t.user_id AND {USABLE} WHERE t.data IS NULL RETURNING 1"
)


def _claim(which: str) -> TextClause:
    """`which` selects the doses."""
    return text(
        f"WITH batch AS MATERIALIZED (SELECT {_DOSE} FROM doses d WHERE {which}),"
        f" told AS ({_TOLD}), queued AS ({_QUEUED})"
        " SELECT (SELECT count(*) FROM batch) AS seen, (SELECT count(*) FROM told) AS told,"
        " (SELECT count(*) FROM queued) AS queued,"
        " (SELECT array_agg(DISTINCT user_id) FROM told WHERE data IS NOT NULL) AS late,"
        " last.due_at, last.id FROM (SELECT 1) one LEFT JOIN"
        " (SELECT due_at, id FROM batch ORDER BY due_at DESC, id DESC LIMIT 1) last ON true"
    )


_AFTER_CURSOR = _claim(
    "d.shard = :shard AND (d.due_at, d.id) > (:cursor_at, :cursor_id) AND d.due_at <= :now"
    " ORDER BY d.due_at, d.id LIMIT :limit"
)
_OF_REMINDER = _claim("d.reminder_id = :reminder_id AND d.due_at <= :due_already AND d.closes_at > :now")
_IN_GAP = _claim(
    "d.shard = :shard AND d.due_at BETWEEN :since AND :now AND NOT EXISTS (SELECT FROM notifications n"
    " WHERE n.subject_id = d.reminder_id AND n.key_date = d.key_date AND n.slot = d.slot AND n.segment = d.segment"
    " AND n.kind = 'due')"
)


# The late ones of this transaction, by person: the first of them goes out, and says how many more there are.
_FOLD = text(
    "WITH late AS (SELECT n.id, n.user_id, n.key_date, count(*) OVER (PARTITION BY n.user_id) - 1 AS others,"
    "  row_number() OVER (PARTITION BY n.user_id ORDER BY n.due_at, n.id) AS place"
    "  FROM notifications n WHERE n.user_id = ANY(:people) AND n.xid = pg_current_xact_id() AND n.kind = 'due'"
    "  AND n.data IS NOT NULL),"
    " counted AS (UPDATE notifications n SET data = n.data || jsonb_build_object('others', l.others) FROM late l"
    "  WHERE n.user_id = l.user_id AND n.xid = pg_current_xact_id() AND n.id = l.id AND l.place = 1 RETURNING 1)"
    " INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    " SELECT l.id, c.id, 0, l.user_id, l.key_date, :now, :expires_at FROM late l"
    f" JOIN channels c ON c.user_id = l.user_id AND {USABLE} WHERE l.place = 1 ON CONFLICT DO NOTHING RETURNING 1"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """`seen` doses passed, `told` notifications made, `queued` outside messages."""

    seen: int = 0
    told: int = 0
    queued: int = 0


def claim(session: Session, lease: Lease, *, now: datetime, limit: int = BATCH) -> Claimed:
    """The next batch of a shard, oldest first, and its cursor, in one transaction."""
    values = {"shard": lease.shard, "cursor_at": lease.claimed_due_at, "cursor_id": lease.claimed_id, "limit": limit}
    row = session.execute(_AFTER_CURSOR, values | _at(now)).one()
    if row.seen:
        shards.move_claimed(session, lease.shard, row.due_at, row.id)
    return Claimed(row.seen, row.told, row.queued + _fold(session, row.late, now))


def claim_inline(session: Session, reminder_id: int, *, now: datetime) -> Claimed:
    """What is due of a reminder saved just now: the cursor may have passed it before it was committed."""
    values = {"reminder_id": reminder_id, "due_already": now + DUE_ALREADY}
    row = session.execute(_OF_REMINDER, values | _at(now)).one()
    return Claimed(row.seen, row.told, row.queued)


def claim_gap(session: Session, shard: int, *, now: datetime) -> Claimed:
    """What became due lately and was never claimed. Costs what was due lately, not what exists."""
    values = {"shard": shard, "since": now - GAP_LOOKS_BACK}
    row = session.execute(_IN_GAP, values | _at(now)).one()
    return Claimed(row.seen, row.told, row.queued + _fold(session, row.late, now))


def _fold(session: Session, late: list[int] | None, now: datetime) -> int:
    """One message to each person for all that was late; returns how many messages."""
    if not late:
        return 0
    values = {"people": late, "now": now, "expires_at": now + KEEP_TRYING}
    return len(session.execute(_FOLD, values).all())


def _at(now: datetime) -> dict[str, Any]:
    return {"now": now, "expires_at": now + KEEP_TRYING, "punctual_since": now - AWAKE_WITHIN}
