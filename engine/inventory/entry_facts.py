"""Pure: what an entry of the ledger means to those who listen.

Every entry is a `StockChanged`. One that takes the balance to the alert level or below, from above it, is a
`StockLow` too: once per crossing, not once per dose thereafter.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from engine.events.facts import Fact, StockChanged, StockLow

# The payload of the StockChanged of an entry `e`, as columns named as the fact names them (a law holds the two equal).
CHANGED_SQL = (
    "1 AS version, e.occurred_at, e.medicine_id, e.id AS entry_id, e.change_amount, e.new_stock, e.change_type,"
    " e.dose_id, e.shortfall"
)


def facts_of(entry: Mapping[str, Any], entry_id: int, alert: Decimal, local_date: date) -> list[Fact]:
    """The facts of one entry, given as its columns."""
    changed = StockChanged(
        user_id=entry["user_id"],
        occurred_at=entry["occurred_at"],
        medicine_id=entry["medicine_id"],
        entry_id=entry_id,
        change_amount=entry["change_amount"],
        new_stock=entry["new_stock"],
        change_type=entry["change_type"],
        dose_id=entry["dose_id"],
        shortfall=entry["shortfall"],
    )
    if not entry["new_stock"] <= alert < entry["previous_stock"]:
        return [changed]
    low = StockLow(
        user_id=entry["user_id"],
        occurred_at=entry["occurred_at"],
        medicine_id=entry["medicine_id"],
        entry_seq=entry["seq"],
        on_hand=entry["new_stock"],
        local_date=local_date,
    )
    return [changed, low]
