"""Make reminders with their doses, and read back what the database holds of them."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, insert, select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import regimen
from engine.doses.models import Dose, DoseOutcome
from engine.events.models import Event
from engine.inventory.models import StockAccount, StockEntry
from engine.notifications.models import Channel, Notification, OutboxStep
from engine.reminders.fields import ReminderFields
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.sweeps import wind_back


@dataclass(frozen=True, slots=True)
class World:
    """One person with one medicine and one reminder of it."""

    who: Who
    medicine_id: int
    reminder_id: int


def make_reminder(
    session: Session, who: Who, medicine_id: int, *, at: str = "08:00", now: datetime, **fields: Any
) -> int:
    """A reminder saved at `now`: daily from the person's today, one tablet, unless `fields` say otherwise."""
    form = {"frequency": "daily", "start_date": who.person.local_date(now), "dosage_amount": "1"} | fields
    saved = ReminderFields(medicine_id=medicine_id, reminder_time=time.fromisoformat(at), **form)
    reminder_id: int = regimen.add_reminder(session, who, fields=saved, now=now)["id"]
    return reminder_id


def make_world(
    session: Session,
    *,
    at: str = "08:00",
    name: str = "ada",
    time_zone: str = "Europe/Riga",
    stock: Decimal | int | str = 6,
    unit: str = "tablets",
    now: datetime,
    **fields: Any,
) -> World:
    """A person who saves one reminder at `now`, in a world whose sweeps have got as far as `now`."""
    wind_back(session, to=now)
    who = make_person(session, name=name, time_zone=time_zone, now=now)
    medicine_id = make_medicine(session, who, stock=stock, unit=unit, now=now)
    return World(who, medicine_id, make_reminder(session, who, medicine_id, at=at, now=now, **fields))


def give_address(session: Session, who: Who, *, now: datetime) -> int:
    """A confirmed e-mail address outside the app; returns its channel. What is sealed in it nobody reads here."""
    values = {
        "user_id": who.person.id,
        "kind": "email",
        "address": b"sealed",
        "label": "a…@example.com",
        "is_enabled": True,
        "confirmed_at": now,
        "created_at": now,
    }
    return session.execute(insert(Channel).returning(Channel.id), values).scalar_one()


# --- reading back ---------------------------------------------------------------------------------------------------


def doses_of(session: Session, reminder_id: int) -> list[RowMapping]:
    """The rows of one reminder, in the order in which they are due."""
    statement = select(Dose.__table__).where(Dose.reminder_id == reminder_id).order_by(Dose.due_at)
    return list(session.execute(statement).mappings())


def dose_on(session: Session, reminder_id: int, day: date) -> RowMapping:
    """The only dose of one reminder on one planned local date."""
    (found,) = [dose for dose in doses_of(session, reminder_id) if dose["key_date"] == day]
    return found


def revisions(session: Session, dose_id: int) -> list[RowMapping]:
    """Everything ever recorded about a dose, in order; `superseded_at` is None on the one that stands."""
    statement = select(DoseOutcome.__table__).where(DoseOutcome.dose_id == dose_id).order_by(DoseOutcome.revision)
    return list(session.execute(statement).mappings())


def standing(session: Session, dose_id: int) -> str | None:
    """The outcome that stands, or None."""
    found = [each["status"] for each in revisions(session, dose_id) if each["superseded_at"] is None]
    assert len(found) <= 1
    return found[0] if found else None


def bell(session: Session, who: Who) -> list[RowMapping]:
    """Every notification of a person, deleted ones too, in the order in which they were made."""
    statement = select(Notification.__table__).where(Notification.user_id == who.person.id)
    return list(session.execute(statement.order_by(Notification.id)).mappings())


def facts(session: Session, who: Who, kind: str = "dose") -> list[dict[str, Any]]:
    """The payloads of what has happened to a person."""
    statement = select(Event.payload).where(Event.user_id == who.person.id, Event.kind == kind)
    return list(session.scalars(statement.order_by(Event.id)))


def entries(session: Session, medicine_id: int) -> list[RowMapping]:
    """The ledger of a medicine."""
    statement = select(StockEntry.__table__).where(StockEntry.medicine_id == medicine_id)
    return list(session.execute(statement.order_by(StockEntry.seq)).mappings())


def on_hand(session: Session, medicine_id: int) -> Decimal:
    statement = select(StockAccount.on_hand).where(StockAccount.medicine_id == medicine_id)
    return session.execute(statement).scalar_one()


def outbox(session: Session, who: Who) -> list[RowMapping]:
    """What waits to be sent to a person, in the order in which it came up."""
    statement = select(OutboxStep.__table__).where(OutboxStep.user_id == who.person.id)
    return list(session.execute(statement.order_by(OutboxStep.notification_id, OutboxStep.step)).mappings())
