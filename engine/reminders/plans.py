"""What the horizon must be planned for: rules in force, with how far ahead their doses already have rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from engine.reminders.models import Reminder, ReminderVersion
from schedules import Rule, decode


@dataclass(frozen=True, slots=True)
class Plan:
    """One rule to expand. `through_at`: doses due before it have rows already."""

    reminder_id: int
    user_id: int
    shard: int
    medicine_id: int
    version: int
    rule: Rule
    grace_minutes: int | None
    through_at: datetime | None


_BEHIND = (
    select(
        Reminder.id,
        Reminder.user_id,
        Reminder.shard,
        Reminder.medicine_id,
        Reminder.version,
        Reminder.grace_minutes,
        Reminder.planned_through_at,
        ReminderVersion.rule,
    )
    .join(
        ReminderVersion,
        (ReminderVersion.reminder_id == Reminder.id) & (ReminderVersion.version == Reminder.version),
    )
    .where(Reminder.planned_through_at < bindparam("before"))
    .order_by(Reminder.planned_through_at)
    .limit(bindparam("limit"))
    .with_for_update(of=Reminder, skip_locked=True)
)


def behind(session: Session, *, before: datetime, limit: int) -> list[Plan]:
    """Lock the rules whose doses are planned less far than `before`, the furthest behind first."""
    rows = session.execute(_BEHIND, {"before": before, "limit": limit})
    return [_plan(row) for row in rows]


def _plan(row: Any) -> Plan:
    return Plan(
        reminder_id=row.id,
        user_id=row.user_id,
        shard=row.shard,
        medicine_id=row.medicine_id,
        version=row.version,
        rule=decode(row.rule),
        grace_minutes=row.grace_minutes,
        through_at=row.planned_through_at,
    )


def mark_planned(session: Session, reminder_ids: list[int], through_at: datetime | None) -> None:
    """Doses of these rules have rows up to here; None: no dose will ever follow, look no more."""
    session.execute(update(Reminder).where(Reminder.id.in_(reminder_ids)).values(planned_through_at=through_at))
