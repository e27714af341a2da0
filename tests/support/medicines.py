"""Make medicines for tests."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.inventory import cabinet


def make_medicine(
    session: Session,
    who: Who,
    *,
    name: str = "Metformin",
    stock: Decimal | int | str = 30,
    alert: Decimal | int | str = 5,
    unit: str = "tablets",
    dosage: str = "500 mg",
    form: str = "tablet",
    generic_name: str | None = None,
    now: datetime,
) -> int:
    """A medicine on the person's shelf, with its stock; returns its id."""
    fields = {
        "name": name,
        "generic_name": generic_name,
        "dosage": dosage,
        "form": form,
        "unit": unit,
        "current_stock": Decimal(stock),
        "min_stock_alert": Decimal(alert),
    }
    medicine_id: int = cabinet.add_medicine(session, who, fields=fields, now=now)["id"]
    return medicine_id
