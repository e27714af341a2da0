"""Write reminders and their versions; touches only its own tables. Doses follow in `dispatch.regimen`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import NotFound
from engine.reminders.fields import ReminderFields, form_of
from engine.reminders.models import Reminder, ReminderVersion
from schedules import Rule, decode, encode

_MINE = (
    Reminder.user_id == bindparam("user_id"),
    Reminder.id == bindparam("reminder_id"),
    Reminder.deleted_at.is_(None),
)
_LOCK = select(Reminder.id).where(*_MINE).with_for_update()
_HELD = (
    select(
        Reminder.id,
        Reminder.user_id,
        Reminder.shard,
        Reminder.medicine_id,
        Reminder.version,
        Reminder.grace_minutes,
        Reminder.notes,
        Reminder.is_active,
        ReminderVersion.rule,
        ReminderVersion.dosage_amount,
        ReminderVersion.dosage_unit,
    )
    .join(
        ReminderVersion,
        (ReminderVersion.reminder_id == Reminder.id) & (ReminderVersion.version == Reminder.version),
    )
    .where(*_MINE)
)


@dataclass(frozen=True, slots=True)
class Held:
    """A reminder whose row is locked for an edit: its rule, and its form as the client was served it."""

    id: int
    shard: int
    medicine_id: int
    version: int
    rule: Rule
    form: ReminderFields


def hold(session: Session, who: Who, reminder_id: int) -> Held:
    """Lock one reminder of this person. Two edits at once follow one another. Raises NotFound."""
    mine = {"user_id": who.person.id, "reminder_id": reminder_id}
    # locked first and read after: while one statement waits for an edit, it cannot see the version that edit made
    session.execute(_LOCK, mine)
    row = session.execute(_HELD, mine).one_or_none()
    if row is None:
        raise NotFound("reminder_not_found", "There is no such reminder.")
    rule = decode(row.rule)
    form = ReminderFields(
        medicine_id=row.medicine_id,
        dosage_amount=row.dosage_amount,
        dosage_unit=row.dosage_unit,
        is_active=row.is_active,
        notes=row.notes,
        grace_minutes=row.grace_minutes,
        **form_of(rule),
    )
    return Held(row.id, row.shard, row.medicine_id, row.version, rule, form)


def create(session: Session, who: Who, form: ReminderFields, rule: Rule, *, now: datetime) -> int:
    """A reminder with the first version of its rule; returns its id."""
    reminder_id = session.execute(
        insert(Reminder).returning(Reminder.id),
        {
            "user_id": who.person.id,
            "shard": who.person.shard,
            "medicine_id": form.medicine_id,
            "version": 1,
            "grace_minutes": form.grace_minutes,
            "notes": form.notes,
            "is_active": form.is_active,
            "created_at": now,
            "updated_at": now,
        },
    ).scalar_one()
    _write_version(session, who, reminder_id, 1, form, rule, now=now)
    return reminder_id


def revise(session: Session, who: Who, held: Held, form: ReminderFields, rule: Rule | None, *, now: datetime) -> int:
    """Save an edit; with a `rule` it becomes a new version. Returns the version now in force."""
    version = held.version + 1 if rule else held.version
    if rule:
        _write_version(session, who, held.id, version, form, rule, now=now)
    session.execute(
        update(Reminder)
        .where(Reminder.user_id == who.person.id, Reminder.id == held.id)
        .values(
            version=version,
            grace_minutes=form.grace_minutes,
            notes=form.notes,
            is_active=form.is_active,
            updated_at=now,
        )
    )
    return version


def hide(session: Session, who: Who, reminder_ids: list[int], *, now: datetime) -> None:
    """Gone from every list; the versions stay, because outcomes refer to them."""
    session.execute(
        update(Reminder)
        .where(Reminder.user_id == who.person.id, Reminder.id.in_(reminder_ids))
        .values(deleted_at=now, planned_through_at=None, updated_at=now)
    )


def of_medicine(session: Session, who: Who, medicine_id: int) -> list[int]:
    """Lock the reminders of one medicine, in the order everybody locks them in."""
    statement = select(Reminder.id).where(
        Reminder.user_id == who.person.id, Reminder.medicine_id == medicine_id, Reminder.deleted_at.is_(None)
    )
    return list(session.scalars(statement.order_by(Reminder.id).with_for_update()))


def all_of(session: Session, who: Who) -> list[int]:
    """Lock every reminder of this person, in the order everybody locks them in."""
    statement = select(Reminder.id).where(Reminder.user_id == who.person.id, Reminder.deleted_at.is_(None))
    return list(session.scalars(statement.order_by(Reminder.id).with_for_update()))


def _write_version(
    session: Session, who: Who, reminder_id: int, version: int, form: ReminderFields, rule: Rule, *, now: datetime
) -> None:
    values: dict[str, Any] = {
        "user_id": who.person.id,
        "reminder_id": reminder_id,
        "version": version,
        "rule": encode(rule),
        "dosage_amount": form.dosage_amount,
        "dosage_unit": form.dosage_unit,
        "recorded_at": now,
        "recorded_by": who.actor_id,
    }
    session.execute(insert(ReminderVersion), values)
