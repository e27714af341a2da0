"""Which offset from UTC a zone has at an instant, and when it changes: integers, one small table a zone and year.

Tables are made by asking zoneinfo in the UTC->local direction only. The other direction (`fold`) is wrong where a
zone changes its rule lines (America/Nuuk, 2023-10-28), so nothing in this package asks it. A year costs about 0.3 ms
the first time it is needed and is kept in a bounded cache.

Instants are whole seconds since 1970 UTC, offsets are seconds east. Covers the years 1890 to 2210.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schedules.errors import RuleError

DAY = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = EPOCH.toordinal()
FIRST_YEAR, LAST_YEAR = 1890, 2210

# In all of tzdata no two changes of offset since 1890 lie closer than 6.9 days (tests compare every table with the
# files themselves), so looking every fifth day misses none.
_STEP = 5 * DAY
_SECOND = timedelta(seconds=1)
# Names as IANA writes them. Keeps out paths, "posixrules", and "right/", whose clocks count leap seconds.
_NAME = re.compile(r"[A-Z][A-Za-z0-9+_-]{0,31}(/[A-Z][A-Za-z0-9+_-]{0,31}){0,2}")


class Shift(NamedTuple):
    """The zone's clocks are changed at this instant."""

    at: int
    before: int
    after: int


def is_zone(tzid: str) -> bool:
    return _zone(tzid) is not None


def offset_at(tzid: str, instant: int) -> int:
    """Seconds east of UTC in that second."""
    offset, shifts = _year(tzid, date.fromordinal(instant // DAY + EPOCH_DAY).year)
    for shift in shifts:
        if instant < shift.at:
            break
        offset = shift.after
    return offset


def shifts_between(tzid: str, first: int, last: int) -> list[Shift]:
    """Every change of offset with first <= at <= last, in order."""
    years = range(*(date.fromordinal(second // DAY + EPOCH_DAY).year for second in (first, last + 366 * DAY)))
    return [shift for year in years for shift in _year(tzid, year)[1] if first <= shift.at <= last]


def forget() -> None:
    """Empty the caches of this module. `windows.forget_zones` is the whole of it."""
    ZoneInfo.clear_cache()
    _zone.cache_clear()
    _year.cache_clear()


@lru_cache(maxsize=1024)
def _zone(tzid: str) -> ZoneInfo | None:
    if not _NAME.fullmatch(tzid) or tzid == "Factory":
        return None
    try:
        return ZoneInfo(tzid)
    except (KeyError, ValueError, OSError):  # unknown; a file that is no zone; a folder such as "America"
        return None


@lru_cache(maxsize=8192)
def _year(tzid: str, year: int) -> tuple[int, tuple[Shift, ...]]:
    """The offset as the UTC year begins (before a change in its first second), and the changes in it."""
    zone = _zone(tzid)
    if zone is None:
        raise RuleError("unknown_zone", "We do not know this time zone.", "tzid")
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"time zones are known from {FIRST_YEAR} to {LAST_YEAR}")
    seen, end = ((date(y, 1, 1).toordinal() - EPOCH_DAY) * DAY - 1 for y in (year, year + 1))
    opening = offset = _probe(zone, seen)
    shifts = []
    while seen < end:
        ahead = min(seen + _STEP, end)
        if (after := _probe(zone, ahead)) != offset:
            shifts.append(Shift(_first_second_of(zone, after, seen, ahead), offset, after))
            offset = after
        seen = ahead
    return opening, tuple(shifts)


def _first_second_of(zone: ZoneInfo, offset: int, low: int, high: int) -> int:
    """Where between `low` (another offset) and `high` (this one) it begins."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _probe(zone, middle) == offset else (middle, high)
    return high


def _probe(zone: ZoneInfo, instant: int) -> int:
    # utcoffset() of the result would go back through the wall clock, the direction that cannot be trusted.
    utc = EPOCH.replace(tzinfo=zone) + timedelta(seconds=instant)
    return (zone.fromutc(utc) - utc) // _SECOND  # same tzinfo: the difference is that of the wall clocks
