"""One planned dose: what a rule says about one slot of one local day.

Its identity is (key_date, slot, segment): not the instant, which moves with an edit, a change of clocks or new
tzdata, and not the window it was asked in.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

# gap: the wall time was skipped that day, the dose stands as much later as the clocks jumped.
# merged: two of the rule's times fell on that instant; one dose, the earlier time's identity and amount, nothing added.
Adjustment = Literal["gap", "merged"]


class Occurrence(NamedTuple):  # no dataclass: C builds these four times as fast, and the engine needs millions
    """`at` is UTC; `local` is the planned wall clock, naive, also where clocks never showed it."""

    key_date: date
    slot: int
    segment: int
    at: datetime
    local: datetime
    tzid: str
    amount: Decimal
    adjusted: Adjustment | None

    @property
    def identity(self) -> tuple[date, int, int]:
        return self[:3]
