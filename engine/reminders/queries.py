"""Read reminders: lists and single ones, with the medicine and the rule in force."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, Subquery, bindparam, func, select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import NotFound
from engine.medicines.catalogue import shelf
from engine.reminders.fields import form_of
from engine.reminders.models import Reminder, ReminderVersion
from schedules import decode, explain, next_after

_MISSING = ("reminder_not_found", "There is no such reminder.")
_KEPT = select(Reminder.id).where(
    Reminder.user_id == bindparam("user_id"), Reminder.id == bindparam("reminder_id"), Reminder.deleted_at.is_(None)
)


def versions() -> Subquery:
    """What a dose of some version was in its person's words: for lists of doses and notifications."""
    return select(
        ReminderVersion.reminder_id,
        ReminderVersion.version,
        ReminderVersion.dosage_amount,
        ReminderVersion.dosage_unit,
    ).subquery("reminder_words")


def kept() -> Subquery:
    """Reminders that are not deleted: what lists of doses may show."""
    return select(Reminder.id, Reminder.user_id).where(Reminder.deleted_at.is_(None)).subquery("kept_reminders")


def require(session: Session, who: Who, reminder_id: int) -> None:
    """Raises NotFound for a stranger's, a deleted one, or none."""
    if session.execute(_KEPT, {"user_id": who.person.id, "reminder_id": reminder_id}).scalar_one_or_none() is None:
        raise NotFound(*_MISSING)


def _listed() -> Select[Any]:
    medicine = shelf()
    return (
        select(
            Reminder.id,
            Reminder.medicine_id,
            Reminder.version,
            Reminder.grace_minutes,
            Reminder.notes,
            Reminder.is_active,
            Reminder.created_at,
            Reminder.updated_at,
            ReminderVersion.rule,
            ReminderVersion.dosage_amount,
            ReminderVersion.dosage_unit,
            medicine.c.name.label("medicine_name"),
            medicine.c.dosage.label("medicine_dosage"),
            medicine.c.form.label("medicine_form"),
            medicine.c.unit.label("medicine_unit"),
            func.count().over().label("total"),
        )
        .join(
            ReminderVersion,
            (ReminderVersion.reminder_id == Reminder.id) & (ReminderVersion.version == Reminder.version),
        )
        .join(medicine, (medicine.c.id == Reminder.medicine_id) & (medicine.c.user_id == Reminder.user_id))
        .where(Reminder.user_id == bindparam("user_id"), Reminder.deleted_at.is_(None))
    )


_ALL = _listed().order_by(Reminder.id).limit(bindparam("limit")).offset(bindparam("offset"))
_OF_MEDICINE = _ALL.where(Reminder.medicine_id == bindparam("medicine_id"))
_ONE = _listed().where(Reminder.id == bindparam("reminder_id"))


def listing(
    session: Session, who: Who, *, page: int, per_page: int, medicine_id: int | None = None, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    """One page of this person's reminders, inactive ones too, and how many there are."""
    values = {"user_id": who.person.id, "limit": per_page, "offset": (page - 1) * per_page}
    statement = _ALL
    if medicine_id is not None:
        statement, values = _OF_MEDICINE, values | {"medicine_id": medicine_id}
    rows = session.execute(statement, values).mappings().all()
    if not rows and page > 1:  # beyond the last page: there may be others all the same
        return [], listing(session, who, page=1, per_page=1, medicine_id=medicine_id, now=now)[1]
    return [_view(row, now) for row in rows], rows[0]["total"] if rows else 0


def one(session: Session, who: Who, reminder_id: int, *, now: datetime) -> dict[str, Any]:
    """One reminder. Raises NotFound."""
    row = session.execute(_ONE, {"user_id": who.person.id, "reminder_id": reminder_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(*_MISSING)
    return _view(row, now)


def _view(row: RowMapping, now: datetime) -> dict[str, Any]:
    rule = decode(row["rule"])
    upcoming = next_after(rule, now) if row["is_active"] else None
    kept = ("id", "medicine_id", "dosage_amount", "dosage_unit", "is_active", "grace_minutes", "notes")
    return {
        **{name: row[name] for name in (*kept, "rule", "created_at", "updated_at")},
        **form_of(rule),
        "time_zone": rule.tzid,
        "sentence": explain(rule, row["dosage_unit"]),
        "next_dose_at": upcoming.at if upcoming else None,
        "medicine": {
            "id": row["medicine_id"],
            "name": row["medicine_name"],
            "dosage": row["medicine_dosage"],
            "form": row["medicine_form"],
            "unit": row["medicine_unit"],
        },
    }
