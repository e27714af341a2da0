"""When a prescription's end is told: at 09:00 of the person's day, 30, 14, 7, 3 and 1 days before it.

Created or changed on or after a threshold it is told at once, of the nearest threshold only. `next_notice_at` of
the row is the next instant to look at it, so the sweep's cost follows what is due. After an outage the nearest
threshold is told, not all that were passed; an expired prescription is told of no more. When a person has moved to
another zone since, the notice waits for 09:00 there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from engine.accounts.profile import zones
from engine.events import log
from engine.events.facts import Fact, PrescriptionExpiring
from engine.prescriptions.models import Prescription

THRESHOLDS = (30, 14, 7, 3, 1)
NOTICE_TIME = time(9)


@dataclass(frozen=True, slots=True)
class Notice:
    """What to tell now (None: nothing), how far the end is, and when to look again (None: never)."""

    threshold: int | None
    days_left: int
    next_at: datetime | None


def nearest_passed(days_left: int) -> int | None:
    """The threshold a prescription is inside of; none while the end is far, and none after it."""
    return min((days for days in THRESHOLDS if 0 <= days_left <= days), default=None)


def notice_at(valid_until: date, threshold: int, time_zone: str) -> datetime:
    """09:00 of the person's day, `threshold` days before the end. A wall clock that skips 09:00 is read on."""
    day = max(valid_until, date.min + timedelta(days=threshold + 1)) - timedelta(days=threshold)
    return datetime.combine(day, NOTICE_TIME, ZoneInfo(time_zone)).astimezone(UTC)


def at_once(valid_until: date, time_zone: str, now: datetime) -> Notice:
    """For a prescription just written: by its date alone, whatever the hour."""
    days_left = (valid_until - now.astimezone(ZoneInfo(time_zone)).date()).days
    told = nearest_passed(days_left)
    return Notice(told, days_left, _after(valid_until, told, days_left, time_zone))


def by_sweep(valid_until: date, time_zone: str, planned_at: datetime, now: datetime) -> Notice:
    """For one whose `planned_at` has come: told if its threshold has, on the clock the person lives by now."""
    days_left = (valid_until - now.astimezone(ZoneInfo(time_zone)).date()).days
    if days_left < 0:
        return Notice(None, days_left, None)
    planned = _planned(valid_until, planned_at)
    come = min((days for days in THRESHOLDS if notice_at(valid_until, days, time_zone) <= now), default=None)
    if come is None or come > planned:  # they moved west: it was told of `come` already
        return Notice(None, days_left, notice_at(valid_until, planned, time_zone))
    return Notice(come, days_left, _after(valid_until, come, days_left, time_zone))


def _planned(valid_until: date, planned_at: datetime) -> int:
    """Which threshold a stored instant stands for. 09:00 anywhere is that UTC day or the one before, and no two
    thresholds are neighbours, so the answer is exact without knowing where it was planned."""
    days = (valid_until - planned_at.astimezone(UTC).date()).days
    return max((threshold for threshold in THRESHOLDS if threshold <= days), default=min(THRESHOLDS))


def _after(valid_until: date, told: int | None, days_left: int, time_zone: str) -> datetime | None:
    if days_left < 0:
        return None
    following = max((days for days in THRESHOLDS if told is None or days < told), default=None)
    return None if following is None else notice_at(valid_until, following, time_zone)


_ZONES = zones()
_DUE = (
    select(
        Prescription.id, Prescription.user_id, Prescription.valid_until, Prescription.next_notice_at, _ZONES.c.time_zone
    )
    .join(_ZONES, _ZONES.c.id == Prescription.user_id)
    .where(Prescription.next_notice_at <= bindparam("now"))
    .order_by(Prescription.next_notice_at, Prescription.id)
    .limit(bindparam("limit"))
    .with_for_update(of=Prescription, skip_locked=True)
)
_MOVE = (
    update(Prescription)
    .where(Prescription.id == bindparam("prescription_id"))
    .values(next_notice_at=bindparam("next_at"))
    .execution_options(synchronize_session=False)
)


def sweep(session: Session, *, now: datetime, limit: int) -> int:
    """Tell what is due and move each row's notice on; returns how many rows were looked at.

    Safe to run twice at once. Call again, in a transaction of its own, while the answer is `limit`.
    """
    rows = session.execute(_DUE, {"now": now, "limit": limit}).all()
    facts: list[Fact] = []
    moves: list[Mapping[str, Any]] = []
    for row in rows:
        notice = _notice_of(row, now)
        moves.append({"prescription_id": row.id, "next_at": notice.next_at})
        facts += told(row.user_id, row.id, row.valid_until, notice, now=now)
    if moves:
        session.connection().execute(_MOVE, moves)
    log.append(session, facts, now=now)
    return len(rows)


def _notice_of(row: Row[Any], now: datetime) -> Notice:
    if row.valid_until is None:
        return Notice(None, 0, None)
    return by_sweep(row.valid_until, row.time_zone, row.next_notice_at, now)


def told(user_id: int, prescription_id: int, valid_until: date, notice: Notice, *, now: datetime) -> list[Fact]:
    """The fact a notice is, if it is one."""
    if notice.threshold is None:
        return []
    return [
        PrescriptionExpiring(
            user_id=user_id,
            occurred_at=now,
            prescription_id=prescription_id,
            valid_until=valid_until,
            threshold_days=notice.threshold,
            days_left=notice.days_left,
        )
    ]
