"""Doses that fell due while nothing ran for so long that they never had rows: known not to have been told.

Each leaves its outcome all the same, *not reminded*: it counts against nobody, is shown with the others, and can still
be recorded as taken, so that the stock comes right after a machine was off for a week.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.doses.horizon import FROM_ARRAYS, NAMES, Planned, arrays
from engine.doses.states import Status
from engine.events import log
from engine.events.facts import DoseChanged
from engine.reminders.plans import Plan
from schedules import expand_with_windows

LOOKS_BACK = timedelta(days=31)  # nobody remembers further, and one call stays bounded

_KEPT = (
    "user_id, medicine_id, reminder_id, key_date, slot, segment, rule_version, due_at, closes_at, planned_local,"
    " time_zone, amount"
)
_RECORD = text(
    f"INSERT INTO reminder_logs ({_KEPT}, dose_id, revision, status, recorded_at, source)"
    f" SELECT {_KEPT}, id, 1, 'not_reminded', planned_at, 'engine' FROM ({FROM_ARRAYS}) g({NAMES}, id, planned_at)"
    " WHERE NOT EXISTS (SELECT FROM reminder_logs l WHERE l.reminder_id = g.reminder_id AND l.key_date = g.key_date"
    "  AND l.slot = g.slot AND l.segment = g.segment)"
    " AND NOT EXISTS (SELECT FROM doses d WHERE d.reminder_id = g.reminder_id AND d.key_date = g.key_date"
    "  AND d.slot = g.slot AND d.segment = g.segment)"
    " ON CONFLICT DO NOTHING RETURNING user_id, dose_id, reminder_id, medicine_id, due_at, closes_at"
)


def over(plan: Plan, *, now: datetime) -> list[Planned]:
    """Pure: the doses of one rule that have come and gone since its rows ended."""
    if plan.through_at is None or plan.through_at >= now:
        return []
    return [
        Planned(plan, dose.occurrence, dose.closes_at)
        for dose in expand_with_windows(plan.rule, max(plan.through_at, now - LOOKS_BACK), now, plan.grace_minutes)
        if dose.closes_at <= now
    ]


def record(session: Session, planned: Sequence[Planned], *, now: datetime) -> int:
    """Keep their outcomes, those that have a row or an outcome excepted; returns how many are new."""
    if not planned:
        return 0
    rows = session.execute(_RECORD, arrays(planned, now)).all()
    facts = [
        DoseChanged(
            user_id=row.user_id,
            occurred_at=row.closes_at,
            dose_id=row.dose_id,
            reminder_id=row.reminder_id,
            medicine_id=row.medicine_id,
            status=Status.NOT_REMINDED.value,
            revision=1,
            due_at=row.due_at,
        )
        for row in rows
    ]
    log.append(session, facts, now=now)
    return len(rows)
