"""What the horizon must be planned for: rules in force, with how far ahead their doses already have rows."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, cast, select, text
from sqlalchemy.orm import Session

from engine.reminders.models import Reminder, ReminderVersion
from schedules import Rule, decode_stored


class Plan(NamedTuple):  # no dataclass: a batch has thousands, and this is built faster
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
        cast(ReminderVersion.rule, Text),
        Reminder.grace_minutes,
        Reminder.planned_through_at,
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


# The ids as text: a driver writes a list of a thousand far slower than `join` does.
_MARK = text("UPDATE reminders SET planned_through_at = :through_at WHERE id = ANY(CAST(:ids AS bigint[]))")


def behind(session: Session, *, before: datetime, limit: int) -> list[Plan]:
    """Lock the rules whose doses are planned less far than `before`, the furthest behind first."""
    rows: Any = session.execute(_BEHIND, {"before": before, "limit": limit})
    return [_plan(row) for row in rows]


def _plan(row: Any) -> Plan:
    return Plan(row[0], row[1], row[2], row[3], row[4], decode_stored(row[5]), row[6], row[7])


def mark_planned(session: Session, reminder_ids: list[int], through_at: datetime | None) -> None:
    """Doses of these rules have rows up to here; None: no dose will ever follow, look no more."""
    if reminder_ids:
        session.execute(_MARK, {"ids": f"{{{','.join(map(str, reminder_ids))}}}", "through_at": through_at})
