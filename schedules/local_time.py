"""Wall clock + zone -> instant, and back: the one place that knows what happens when clocks change.

A wall time that does not exist is read with the offset before the gap, so 02:30 becomes 03:30 and keeps 24 hours from
the day before; it is reported as such, never dropped. A wall time that comes twice means the first. Inside, wall
times and instants are whole seconds since 1970-01-01 00:00 (local or UTC), days are proleptic ordinals.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from schedules import zone_tables
from schedules.zone_tables import DAY, EPOCH, EPOCH_DAY, Shift, offset_at, shifts_between

_SECOND = timedelta(seconds=1)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a wall clock has no zone: that is the point)


class Resolved(NamedTuple):
    """The instant of a wall time; `in_gap` if no clock ever showed that time."""

    at: datetime
    in_gap: bool


class Run(NamedTuple):
    """Local days first..last, both included. `offset` is None if clocks change in them or their times are moved."""

    first: int
    last: int
    offset: int | None


def to_utc(tzid: str, local: datetime) -> Resolved:
    """The instant (UTC) at which clocks in `tzid` show the naive `local`, microseconds kept."""
    wall, rest = divmod(local - _NAIVE_EPOCH, _SECOND)
    instant, in_gap = resolve(tzid, wall)
    return Resolved(EPOCH + timedelta(seconds=instant) + rest, in_gap)


def to_local(tzid: str, at: datetime) -> datetime:
    """What clocks in `tzid` show at the aware instant `at`, as a naive datetime."""
    utc = at.astimezone(UTC)
    return utc.replace(tzinfo=None) + timedelta(seconds=offset_at(tzid, (utc - EPOCH) // _SECOND))


def day_start(tzid: str, day: date) -> datetime:
    """The first instant of a local day (01:00 where midnight is skipped). A day that is left out has no length:
    its start is the next day's."""
    wall = (day.toordinal() - EPOCH_DAY) * DAY
    instant, in_gap = resolve(tzid, wall)
    if in_gap:  # midnight read with the old offset lies at or after the change; the day begins with the change itself
        instant = shifts_between(tzid, instant - 2 * DAY, instant)[-1].at
    return EPOCH + timedelta(seconds=instant)


def resolve(tzid: str, wall: int) -> tuple[int, bool]:
    """The first instant that shows `wall`; if there is none, the one that the offset before the gap gives, and True."""
    offset, last = offset_at(tzid, wall - 2 * DAY), None
    for shift in (*shifts_between(tzid, wall - 2 * DAY + 1, wall + 2 * DAY), None):
        instant = wall - offset
        if last is not None and instant < last.at:
            return wall - last.before, True
        if shift is None or instant < shift.at:
            return instant, False
        offset, last = shift.after, shift
    raise AssertionError("the last turn returns")


def forget() -> None:
    """Empty the caches of this module and of those below it. `windows.forget_zones` is the whole of it."""
    zone_tables.forget()
    runs.cache_clear()


@lru_cache(maxsize=4096)
def runs(tzid: str, first: int, last: int) -> tuple[Run, ...]:
    """Cut the local days first..last into runs with one offset and the uneasy days about a change of clocks.

    An uneasy run is always whole, even where that goes beyond what was asked: whoever puts its times in order
    needs all of them, or the answer would depend on the window.
    """
    margin = 8  # days: enough to meet every change whose uneasy days reach in
    begin, end = ((day - EPOCH_DAY) * DAY for day in (first - margin, last + margin))
    found, day, offset = [], first, offset_at(tzid, begin)
    for shift in shifts_between(tzid, begin + 1, end):
        low, high = _uneasy_days(shift)  # never overlap: changes lie a week apart (see zone_tables)
        if low > last:
            break
        if high >= first:
            if low > day:
                found.append(Run(day, low - 1, offset))
            found.append(Run(low, high, None))
            day = high + 1
        offset = shift.after
    if day <= last:
        found.append(Run(day, last, offset))
    return tuple(found)


def _uneasy_days(shift: Shift) -> tuple[int, int]:
    """From the first local day with a time that is skipped or repeated to the last that a skipped time lands on."""
    low, high = sorted((shift.before, shift.after))
    landing = shift.at + high + max(0, shift.after - shift.before)
    return (shift.at + low) // DAY + EPOCH_DAY, landing // DAY + EPOCH_DAY
