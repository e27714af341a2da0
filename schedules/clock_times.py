"""Rules of kind `times`: clock times on selected local days.

Days with one offset throughout are made column by column in C, since they are all there is on 360 days of the year.
Days about a change of clocks are resolved one by one, put in order, and doses on one instant become one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from itertools import chain, groupby, repeat
from operator import itemgetter

from schedules.days import Days, selected
from schedules.local_time import resolve, runs
from schedules.occurrences import Adjustment, Occurrence
from schedules.rules import Rule, TimeOfDay
from schedules.zone_tables import DAY, EPOCH, EPOCH_DAY

_occurrence = partial(tuple.__new__, Occurrence)  # what Occurrence._make does, without its Python frame
_REMEMBERED = 64  # days; longer stretches are seldom asked twice and would fill memory


def occurrences_on(rule: Rule, first: int, last: int, *, endless: bool) -> list[Occurrence]:
    """All doses of the local days first..last (ordinals), in order of their instants; where clocks change near an
    edge, those of a few days more. `endless`: as if the rule had neither start nor end date."""
    anchor = rule.start_date.toordinal()
    earliest, latest = (date.min.toordinal(), date.max.toordinal()) if endless else _bounds(rule, anchor)
    found: list[Occurrence] = []
    for low, high, offset in runs(rule.tzid, first, last):
        if days := selected(rule.days, anchor, max(low, earliest), min(high, latest)):
            found += _uneasy(rule, days) if offset is None else _steady(rule, days, offset)
    return found


def _bounds(rule: Rule, anchor: int) -> tuple[int, int]:
    return anchor, (date.max if rule.end is None else rule.end.on).toordinal()


def _steady(rule: Rule, days: Days, offset: int) -> list[Occurrence]:
    """The zone keeps one offset, so each time of day has one time in UTC and the order of the clock is the order."""
    columns = [_column(rule.tzid, each, days, offset) for each in rule.times]
    return columns[0] if len(columns) == 1 else [*chain.from_iterable(zip(*columns, strict=True))]


def _column(tzid: str, slot: TimeOfDay, days: Days, offset: int) -> list[Occurrence]:
    reckon = _reckoned if len(days) <= _REMEMBERED else _reckoned.__wrapped__
    dates, instants, clocks = reckon(slot.at, slot.second - offset, days)
    rest = repeat(tzid), repeat(slot.amount), repeat(None)
    return [*map(_occurrence, zip(dates, repeat(slot.slot), repeat(0), instants, clocks, *rest, strict=False))]


@lru_cache(maxsize=1024)
def _reckoned(at: time, utc_second: int, days: Days) -> tuple[list[date], list[datetime], list[datetime]]:
    """Dates, instants and wall clocks of one time of day. A horizon asks this of many rules with one answer, so
    short stretches are remembered; callers must not change the lists."""
    carry, second = divmod(utc_second, DAY)
    in_utc = time(second // 3600, second // 60 % 60, second % 60, tzinfo=UTC)
    dates = [*map(date.fromordinal, days)]
    utc_dates = [date.fromordinal(day + carry) for day in days] if carry else dates
    instants = [*map(datetime.combine, utc_dates, repeat(in_utc))]
    return dates, instants, [*map(datetime.combine, dates, repeat(at))]


def _uneasy(rule: Rule, days: Days) -> list[Occurrence]:
    """Skipped times may land behind later ones or on top of them: sort by instant, then by what was planned."""
    placed = sorted(_placed(rule, days), key=itemgetter(0, 1))
    return [_landed(rule.tzid, list(group)) for _, group in groupby(placed, key=itemgetter(0))]


_Placed = tuple[int, datetime, TimeOfDay, bool]  # instant, planned wall clock, slot, in a gap


def _placed(rule: Rule, days: Days) -> Iterator[_Placed]:
    for day in days:
        for slot in rule.times:
            instant, in_gap = resolve(rule.tzid, (day - EPOCH_DAY) * DAY + slot.second)
            yield instant, datetime.combine(date.fromordinal(day), slot.at), slot, in_gap


def _landed(tzid: str, together: list[_Placed]) -> Occurrence:
    instant, local, slot, in_gap = together[0]
    adjusted: Adjustment | None = "merged" if len(together) > 1 else "gap" if in_gap else None
    at = EPOCH + timedelta(seconds=instant)
    return Occurrence(local.date(), slot.slot, 0, at, local, tzid, slot.amount, adjusted)
