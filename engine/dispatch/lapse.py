"""Close what is over: a window that ended without an answer.

*Missed* is inferred only while we were awake: the claim was committed before the window closed, at most five minutes
late, and where the person has an outside channel no failure of ours lasted through the whole window. Otherwise the dose
is *not reminded*: it is still takeable and counts against nobody. Late by at most one tick, never early.

An outage of ours within a window is given back: the window closes later by as long as it lasted (see `deferral`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from engine.dispatch import deferral, shards
from engine.dispatch.due import AWAKE_WITHIN
from engine.dispatch.shards import Lease
from engine.notifications.channels import USABLE
from engine.notifications.planning import KEEP_TRYING

BATCH = 2000
GAP_LOOKS_BACK = timedelta(minutes=15)

_DOSE = (
    "reminder_id, key_date, slot, segment, id, user_id, medicine_id, rule_version, due_at, closes_at, planned_local,"
    " time_zone, amount, planned_at"
)
_SAME = "{0}.key_date = {1}.key_date AND {0}.slot = {1}.slot AND {0}.segment = {1}.segment"
_SAME_LOG = f"l.reminder_id = b.reminder_id AND {_SAME.format('l', 'b')}"

# An answer that was undone leaves an open revision; it makes room for the outcome.
_SUPERSEDE_OPEN = (
    " UPDATE reminder_logs l SET superseded_at = :now FROM batch b"
    f" WHERE {_SAME_LOG} AND l.superseded_at IS NULL AND l.status = 'open'"
)
_WE_FAILED = (
    "(EXISTS (SELECT FROM outbox o WHERE o.notification_id = n.id AND o.step = 0)"
    " OR EXISTS (SELECT FROM deliveries f WHERE f.notification_id = n.id AND f.outcome IN ('failed', 'expired')))"
    " AND NOT EXISTS (SELECT FROM deliveries s WHERE s.notification_id = n.id"
    "  AND s.outcome = 'sent')"
)
_CLOSED = (
    "closed AS (INSERT INTO reminder_logs (user_id, medicine_id, reminder_id, key_date, slot, segment, dose_id,"
    " revision, status, rule_version, due_at, closes_at, planned_local, time_zone, amount, recorded_at, source)"
    " SELECT b.user_id, b.medicine_id, b.reminder_id, b.key_date, b.slot, b.segment, b.id,"
    f" 1 + coalesce((SELECT max(l.revision) FROM reminder_logs l WHERE {_SAME_LOG}), 0),"
    " CASE WHEN n.id IS NOT NULL AND b.planned_at < b.due_at"
    f"  AND n.created_at <= least(b.due_at + :awake_within, b.closes_at) AND NOT ({_WE_FAILED})"
    "  THEN 'missed' ELSE 'not_reminded' END,"
    " b.rule_version, b.due_at, b.closes_at, b.planned_local, b.time_zone, b.amount, :now, 'engine'"
    f" FROM batch b LEFT JOIN notifications n ON n.subject_id = b.reminder_id AND {_SAME.format('n', 'b')}"
    "  AND n.kind = 'due'"
    f" WHERE NOT EXISTS (SELECT FROM reminder_logs l WHERE {_SAME_LOG} AND l.superseded_at IS NULL"
    "  AND l.status <> 'open'){unless}"
    " ON CONFLICT DO NOTHING RETURNING reminder_id, key_date, slot, segment, dose_id, user_id, medicine_id, revision,"
    "  status, rule_version, due_at, closes_at, planned_local)"
)
_TOLD = (
    "told AS (INSERT INTO notifications (subject_id, key_date, slot, segment, kind, user_id, dose_id, medicine_id,"
    " rule_version, due_at, planned_local, created_at)"
    " SELECT reminder_id, key_date, slot, segment, 'missed', user_id, dose_id, medicine_id, rule_version, due_at,"
    " planned_local, :now FROM closed WHERE status = 'missed'"
    " ON CONFLICT DO NOTHING RETURNING id, user_id, subject_id, key_date, slot, segment),"
    " replaced AS (UPDATE notifications n SET read_at = :now FROM told t WHERE n.subject_id = t.subject_id"
    f" AND {_SAME.format('n', 't')} AND n.kind = 'due' AND n.read_at IS NULL RETURNING 1),"
    " queued AS (INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    " SELECT t.id, c.id, 0, t.user_id, t.key_date, :now, :expires_at FROM told t"
    f" JOIN channels c ON c.user_id = t.user_id AND {USABLE} RETURNING 1)"
)
# The fact, spelt as `events.facts.DoseChanged.payload` spells it (a test holds the two equal).
_FACTS = (
    "facts AS (INSERT INTO events (recorded_at, user_id, kind, payload, occurred_at)"
    " SELECT :now, user_id, 'dose', jsonb_build_object('version', 1, 'occurred_at', closes_at, 'dose_id', dose_id,"
    " 'reminder_id', reminder_id, 'medicine_id', medicine_id, 'status', status, 'revision', revision, 'due_at', due_at,"
    " 'taken_at', NULL, 'snoozed_until', NULL, 'is_uncounted', false), closes_at FROM closed RETURNING 1)"
)


def _close(which: str, unless: str = "") -> tuple[TextClause, TextClause]:
    """`which` selects the doses, `unless` says which of them are not over yet after all."""
    batch = f"WITH batch AS MATERIALIZED (SELECT {_DOSE} FROM doses d WHERE {which})"
    closed = _CLOSED.format(unless=unless)
    return text(batch + _SUPERSEDE_OPEN + unless), text(
        f"{batch}, {closed}, {_TOLD}, {_FACTS}"
        " SELECT (SELECT count(*) FROM batch) AS seen,"
        " (SELECT count(*) FROM closed WHERE status = 'missed') AS missed,"
        " (SELECT count(*) FROM closed WHERE status = 'not_reminded') AS not_reminded,"
        " (SELECT count(*) FROM queued) AS queued, last.closes_at, last.id"
        " FROM (SELECT 1) one LEFT JOIN"
        " (SELECT closes_at, id FROM batch ORDER BY closes_at DESC, id DESC LIMIT 1) last ON true"
    )


_BEHIND_CURSOR = (
    "d.shard = :shard AND (d.closes_at, d.id) > (:cursor_at, :cursor_id) AND d.closes_at <= :now"
    " ORDER BY d.closes_at, d.id LIMIT :limit"
)
_AFTER_CURSOR = _close(_BEHIND_CURSOR)
_AFTER_CURSOR_AND_OUTAGE = _close(_BEHIND_CURSOR, deferral.UNLESS_DEFERRED)
_IN_GAP = _close(
    "d.shard = :shard AND d.closes_at BETWEEN :since AND :now AND NOT EXISTS (SELECT FROM reminder_logs l"
    f" WHERE {_SAME_LOG.replace('b.', 'd.')} AND l.superseded_at IS NULL AND l.status <> 'open')",
    deferral.UNLESS_DEFERRED,
)
_DEFERRED = _close(deferral.WHOSE_TIME_HAS_COME)


@dataclass(frozen=True, slots=True)
class Lapsed:
    """`seen` windows passed; of those without an answer, how each was closed; `queued` outside messages."""

    seen: int = 0
    missed: int = 0
    not_reminded: int = 0
    queued: int = 0


def lapse(session: Session, lease: Lease, *, now: datetime, limit: int = BATCH) -> Lapsed:
    """The next batch of a shard whose windows are over, and its cursor, in one transaction."""
    values = {"shard": lease.shard, "cursor_at": lease.closed_closes_at, "cursor_id": lease.closed_id, "limit": limit}
    statements = _AFTER_CURSOR
    if deferral.is_needed(session, now=now):
        deferral.defer(session, _BEHIND_CURSOR, values, now=now)
        statements = _AFTER_CURSOR_AND_OUTAGE
    row = _run(session, statements, values, now)
    if row.seen:
        shards.move_closed(session, lease.shard, row.closes_at, row.id)
    return Lapsed(row.seen, row.missed, row.not_reminded, row.queued)


def lapse_deferred(session: Session, lease: Lease, *, now: datetime) -> Lapsed:
    """Windows that were given an outage back, and are over now."""
    row = _run(session, _DEFERRED, {"shard": lease.shard}, now)
    deferral.forget(session, lease.shard, now=now)
    return Lapsed(row.seen, row.missed, row.not_reminded, row.queued)


def lapse_gap(session: Session, shard: int, *, now: datetime) -> Lapsed:
    """Windows that ended lately and have no outcome: committed behind the cursor, or reopened."""
    row = _run(session, _IN_GAP, {"shard": shard, "since": now - GAP_LOOKS_BACK}, now)
    return Lapsed(row.seen, row.missed, row.not_reminded, row.queued)


def _run(session: Session, statements: tuple[TextClause, TextClause], values: dict[str, Any], now: datetime) -> Any:
    supersede, close = statements
    values |= {"now": now, "expires_at": now + KEEP_TRYING, "awake_within": AWAKE_WITHIN}
    session.execute(supersede, {name: values[name] for name in supersede._bindparams})
    return session.execute(close, values).one()
