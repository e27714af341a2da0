"""What prescriptions order, put on the shelf: a medicine, its stock and the lines that name it commit as one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.inventory import cabinet
from engine.prescriptions import linking


def add_to_shelf(
    session: Session, who: Who, line_id: int, *, fields: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """A medicine for this prescription line and all that order the same. Raises NotFound, Conflict."""
    medicine = cabinet.add_medicine(session, who, fields=fields, now=now)
    linking.link(session, who, line_id, medicine["id"])
    return medicine
