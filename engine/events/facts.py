"""The facts there are: one frozen dataclass per kind, in the past tense, ids and numbers only.

`kind` is what the row and the stream call it; `version` lets a reader of old rows know what it reads.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fact:
    kind: ClassVar[str]
    version: ClassVar[int] = 1
    user_id: int
    occurred_at: datetime

    def payload(self) -> dict[str, Any]:
        """As stored and streamed: JSON values only; amounts as numbers, instants with their offset."""
        fields = {key: _plain(value) for key, value in asdict(self).items() if key != "user_id"}
        return {"version": self.version, **fields}


@dataclass(frozen=True, slots=True)
class DoseChanged(Fact):
    """A dose was answered, closed, reopened, snoozed or told again. `status` is what it is now."""

    kind: ClassVar[str] = "dose"
    dose_id: int
    reminder_id: int
    medicine_id: int
    status: str
    revision: int
    due_at: datetime
    taken_at: datetime | None = None
    snoozed_until: datetime | None = None
    is_uncounted: bool = False  # taken, but its unit does not convert to the stock's: nothing was subtracted


@dataclass(frozen=True, slots=True)
class StockChanged(Fact):
    """An entry was posted to a medicine's ledger."""

    kind: ClassVar[str] = "stock"
    medicine_id: int
    entry_id: int
    change_amount: Decimal
    new_stock: Decimal
    change_type: str
    dose_id: int | None = None
    shortfall: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class StockLow(Fact):
    """The balance fell to the alert level or below, from above it. Once per crossing."""

    kind: ClassVar[str] = "stock_low"
    medicine_id: int
    entry_seq: int
    on_hand: Decimal
    local_date: date


@dataclass(frozen=True, slots=True)
class PrescriptionExpiring(Fact):
    """A threshold (30, 14, 7, 3 or 1 days) before the end of validity was reached or passed."""

    kind: ClassVar[str] = "prescription_expiring"
    prescription_id: int
    valid_until: date
    threshold_days: int
    days_left: int


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value
