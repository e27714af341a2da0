"""Drop the days that are over. What came of their doses is in `reminder_logs` for good; the rows have served.

A day is dropped whole, in milliseconds whatever its size, and only when every dose in it is closed: one that is still
open, or was never closed, keeps its day, and somebody should look why.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

KEEP = timedelta(days=3)  # longer than the longest window of the westernmost zone's day
_DAYS = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    r" WHERE i.inhparent = 'doses'::regclass AND c.relname ~ '^doses_\d{8}$' ORDER BY c.relname"
)
_IS_OPEN = (
    "SELECT EXISTS (SELECT FROM {name} d WHERE NOT EXISTS (SELECT FROM reminder_logs l"
    " WHERE l.reminder_id = d.reminder_id AND l.key_date = d.key_date AND l.slot = d.slot AND l.segment = d.segment"
    " AND l.superseded_at IS NULL AND l.status <> 'open'))"
)


@dataclass(frozen=True, slots=True)
class Retired:
    """Days `dropped`, and days `kept` beyond their time because a dose in them is open."""

    dropped: int = 0
    kept: int = 0


def retire(session: Session, *, now: datetime) -> Retired:
    """Drop what is over. Safe to run twice at once: the second finds nothing."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('pillio.partitions'))"))
    over = [name for name in session.scalars(_DAYS) if _day_of(name) < (now - KEEP).date()]
    kept = [name for name in over if session.scalar(text(_IS_OPEN.format(name=name)))]
    for name in over:
        if name not in kept:
            session.execute(text(f"DROP TABLE {name}"))
    return Retired(len(over) - len(kept), len(kept))


def _day_of(name: str) -> date:
    digits = name.rpartition("_")[2]
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
