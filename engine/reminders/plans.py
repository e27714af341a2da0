"""What the horizon must be planned for: rules in force, with how far ahead their doses already have rows."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Text, any_, bindparam, cast, select, update
from sqlalchemy.dialects.postgresql import ARRAY
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
        Reminder.grace_minutes,
        Reminder.planned_through_at,
        cast(ReminderVersion.rule, Text),
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


_MARK = (
    update(Reminder)
    .where(Reminder.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    .values(planned_through_at=bindparam("through_at"))
    .execution_options(synchronize_session=False)
)


def behind(session: Session, *, before: datetime, limit: int) -> list[Plan]:
    """Lock the rules whose doses are planned less far than `before`, the furthest behind first."""
    rows = session.execute(_BEHIND, {"before": before, "limit": limit})
    return [Plan(*row[:5], decode_stored(row[7]), row[5], row[6]) for row in rows]


def mark_planned(session: Session, reminder_ids: list[int], through_at: datetime | None) -> None:
    """Doses of these rules have rows up to here; None: no dose will ever follow, look no more."""
    if reminder_ids:
        session.execute(_MARK, {"ids": reminder_ids, "through_at": through_at})
