"""When our own clock stood still: what nobody can be blamed for not having heard.

An outage is found by the first tick after it, from the gap it left between two ticks, and kept as a fact.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

OUTAGE_AFTER = timedelta(seconds=30)  # a restart of a program is no outage
KEEP = timedelta(days=30)

_FOUND = text(
    "INSERT INTO outages (began_at, ended_at) SELECT max(slot_at), :slot_at FROM pulses WHERE slot_at < :slot_at"
    " HAVING :slot_at - max(slot_at) > :outage_after ON CONFLICT DO NOTHING"
)
_ANY = text("SELECT EXISTS (SELECT FROM outages WHERE ended_at > :since)")
_PRUNE = text("DELETE FROM outages WHERE ended_at < :before RETURNING 1")


def note(session: Session, *, slot_at: datetime) -> None:
    """Call it before the tick itself is recorded. Repeating it finds nothing new."""
    session.execute(_FOUND, {"slot_at": slot_at, "outage_after": OUTAGE_AFTER})


def any_since(session: Session, since: datetime) -> bool:
    """Did an outage end after this? Seldom, so most sweeps need not look any closer."""
    return bool(session.scalar(_ANY, {"since": since}))


def prune(session: Session, *, now: datetime) -> int:
    """Forget those no open window can still overlap, long after."""
    return len(session.execute(_PRUNE, {"before": now - KEEP}).all())
