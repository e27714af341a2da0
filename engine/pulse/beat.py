"""Take up a tick, once; know how old the newest is, and whether beat is still among those who tick."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.pulse import outages

KEEP = timedelta(days=2)
SILENT_AFTER = timedelta(seconds=3)  # then whoever notices ticks instead of beat
BEAT = "beat"

# Beat takes over a second that a watchdog was quicker to serve: else the watchdog, always quicker, would never hear
# that beat is back. That second is served twice, which is harmless.
_RECORD = text(
    "INSERT INTO pulses (slot_at, recorded_at, source) VALUES (:slot_at, :now, :source)"
    " ON CONFLICT (slot_at) DO UPDATE SET recorded_at = excluded.recorded_at, source = excluded.source"
    f" WHERE pulses.source <> '{BEAT}' AND excluded.source = '{BEAT}' RETURNING 1"
)
_IS_HEARD = text(f"SELECT EXISTS (SELECT FROM pulses WHERE source = '{BEAT}' AND slot_at > :since)")
_NEWEST = text("SELECT max(slot_at) FROM pulses")
_BEFORE = text("SELECT slot_at, source FROM pulses WHERE slot_at < :slot_at ORDER BY slot_at DESC LIMIT 1")
_PRUNE = text("DELETE FROM pulses WHERE slot_at < :before")


def slot_of(at: datetime) -> datetime:
    """The second a tick stands for."""
    return at.replace(microsecond=0)


def record(session: Session, *, at: datetime, source: str, now: datetime) -> bool:
    """True if this tick is ours to act on; False if somebody has taken up the same second."""
    outages.note(session, slot_at=slot_of(at))
    values = {"slot_at": slot_of(at), "now": now, "source": source}
    return bool(session.execute(_RECORD, values).all())


def served_until(session: Session, *, slot: datetime, ahead: timedelta) -> datetime | None:
    """Up to where the tick before this one has sent somebody: beat looks `ahead`, a watchdog serves what is due.

    None if there was no tick before.
    """
    before = session.execute(_BEFORE, {"slot_at": slot_of(slot)}).one_or_none()
    if before is None:
        return None
    served: datetime = before.slot_at
    return served + ahead if before.source == BEAT else served


def is_silent(session: Session, *, now: datetime) -> bool:
    """No tick of beat's own was taken up for three seconds, whoever else has ticked meanwhile."""
    return not session.scalar(_IS_HEARD, {"since": now - SILENT_AFTER})


def age(session: Session, *, now: datetime) -> timedelta | None:
    """Since the newest tick; None before the first."""
    newest: datetime | None = session.scalar(_NEWEST)
    return now - newest if newest else None


def prune(session: Session, *, now: datetime) -> int:
    """Drop rows older than two days: longer than any window, so no closing sweep can still ask for them."""
    result = session.execute(_PRUNE, {"before": now - KEEP})
    return int(getattr(result, "rowcount", 0))
