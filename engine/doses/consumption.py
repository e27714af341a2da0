"""What a dose takes from the stock, and gives back when undone: exactly once per outcome.

Taken is never refused for want of stock: the ledger floors at zero and the entry carries the shortfall. A dose
whose unit does not convert to the stock's is recorded, leaves the stock alone, and says so.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses.administration import Recorded
from engine.inventory import ledger
from engine.medicines.catalogue import shelf
from engine.quantity import consumption
from engine.reminders.queries import versions


def post(session: Session, who: Who, recorded: Recorded, *, now: datetime) -> Decimal | None:
    """Post what this outcome took; returns the balance, or None if the stock was left alone."""
    dose = recorded.dose
    amount = _in_stock_units(session, who, recorded)
    if amount is None:
        return None
    posted = ledger.post(
        session,
        who.person.id,
        dose.medicine_id,
        change=-amount,
        change_type="consumed",
        dose_id=dose.id,
        log_id=recorded.log_id,
        notes="Dose taken",
        occurred_at=dose.taken_at or now,
        recorded_by=who.actor_id,
        local_date=who.person.local_date(now),
        now=now,
    )
    return posted.new_stock


def give_back(session: Session, who: Who, log_id: int, *, now: datetime) -> None:
    """Reverse the exact entry that this outcome posted, if it posted one."""
    ledger.reverse(
        session,
        log_id,
        notes="Dose undone",
        recorded_by=who.actor_id,
        local_date=who.person.local_date(now),
        now=now,
    )


def _in_stock_units(session: Session, who: Who, recorded: Recorded) -> Decimal | None:
    dose, medicine, words = recorded.dose, shelf(), versions()
    row = session.execute(
        select(medicine.c.unit, medicine.c.dosage, words.c.dosage_unit)
        .join(words, (words.c.reminder_id == dose.reminder_id) & (words.c.version == dose.rule_version))
        .where(medicine.c.id == dose.medicine_id, medicine.c.user_id == who.person.id)
    ).one_or_none()
    return consumption(dose.amount, row.dosage_unit, row.unit, row.dosage) if row else None
