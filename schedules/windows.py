"""When a dose can be answered: how early it is "now", and how late it is still late rather than missed.

On time is ±60 minutes. Late is until half the way to the next dose of the same rule, at most 4 hours (24 where the
days of the rule are a week or more apart), at least 30 minutes: drops due every ten minutes must not be called missed
before the person has put the bottle down, so windows of very close doses overlap and the earlier dose is answered
first. Early never reaches back beyond half the way to the dose before. A reminder's `grace_minutes` replaces the late
part. The first and last doses of a rule are measured as if it had always been and went on.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from operator import sub
from typing import NamedTuple

from schedules import local_time
from schedules.days import DayFilter, first_alike, is_weekly_or_rarer
from schedules.errors import RuleError
from schedules.expansion import EARLIEST, LATEST, expand, expand_endless
from schedules.occurrences import Occurrence
from schedules.rules import Rule, TimeOfDay

ON_TIME = timedelta(minutes=60)
SHORTEST_LATE = timedelta(minutes=30)
LONGEST_LATE = timedelta(hours=4)
LONGEST_LATE_WEEKLY = timedelta(hours=24)
LONGEST_GRACE = 7 * 24 * 60  # minutes

_FAR = timedelta.max
_REMEMBERED = 8  # days; longer stretches are seldom asked twice and would fill memory
_SOME_DAY = date(2000, 1, 1).toordinal()
_UNEASY = 4  # days; so close to a bound of the rule, a change of clocks may tell the two expansions apart


class DoseWindow(NamedTuple):
    """opens_at <= at < closes_at, all UTC."""

    opens_at: datetime
    closes_at: datetime


class TimedOccurrence(NamedTuple):
    occurrence: Occurrence
    opens_at: datetime
    closes_at: datetime


def expand_with_windows(
    rule: Rule, start: datetime, end: datetime, grace_minutes: int | None = None
) -> list[TimedOccurrence]:
    """`expand`, each dose with its window. The window of a dose is the same whatever start and end were asked."""
    grace = _grace(grace_minutes)
    first, last = _utc_day(max(start, EARLIEST)), _utc_day(min(end, LATEST))
    if not _runs_all_through(rule, first, last):
        by_instant = {each.occurrence.at: each for each in _endless(rule, start, end, grace)}
        return [by_instant[dose.at]._replace(occurrence=dose) for dose in expand(rule, start, end)]
    if last - first > _REMEMBERED:
        return _endless(rule, start, end, grace)
    anchor = first_alike(rule.days, rule.start_date.toordinal(), _SOME_DAY)
    alike = _of_pattern(rule.tzid, rule.times, rule.days, anchor, grace, first, last)
    return [each for each in alike if start <= each.occurrence.at < end]


@lru_cache(maxsize=16_384)
def _of_pattern(
    tzid: str, times: tuple[TimeOfDay, ...], days: DayFilter, anchor: int, grace: timedelta | None, *utc_days: int
) -> tuple[TimedOccurrence, ...]:
    """The doses of whole UTC days, from the first of `utc_days` to the last. A horizon asks this of many rules with
    one answer, so it is remembered."""
    alike = Rule(tzid=tzid, start_date=date.fromordinal(anchor), times=times, days=days)
    start, end = (datetime.combine(date.fromordinal(day), time(tzinfo=UTC)) for day in utc_days)
    return tuple(_endless(alike, start, end + timedelta(days=1), grace))


def _endless(rule: Rule, start: datetime, end: datetime, grace: timedelta | None) -> list[TimedOccurrence]:
    """As if the rule had always been and went on for ever."""
    longest = _longest_late(rule)
    around = expand_endless(rule, *_neighbourhood(start, end, longest))
    instants = [each.at for each in around]
    gaps = [_FAR, *map(sub, instants[1:], instants), _FAR]
    return [
        TimedOccurrence(dose, *_window(dose.at, gaps[index], gaps[index + 1], longest, grace))
        for index, dose in enumerate(around)
        if start <= dose.at < end
    ]


def window_of(rule: Rule, occurrence: Occurrence, grace_minutes: int | None = None) -> DoseWindow:
    """The window of one dose of the rule. Costs as much as expanding the rule over half a day (weekly: three)."""
    at, longest = occurrence.at, _longest_late(rule)
    instants = [each.at for each in expand_endless(rule, *_neighbourhood(at, at, longest))]
    before = min((at - each for each in instants if each < at), default=_FAR)
    after = min((each - at for each in instants if each > at), default=_FAR)
    return DoseWindow(*_window(at, before, after, longest, _grace(grace_minutes)))


def closes_at(rule: Rule, occurrence: Occurrence, grace_minutes: int | None = None) -> datetime:
    """From this instant on the dose is over: missed, unless it was answered."""
    return window_of(rule, occurrence, grace_minutes).closes_at


def forget_zones() -> None:
    """Read tzdata afresh from now on, in this process: after an update, or for a test that brings its own."""
    local_time.forget()
    _of_pattern.cache_clear()


def _window(
    at: datetime, before: timedelta, after: timedelta, longest: timedelta, grace: timedelta | None
) -> tuple[datetime, datetime]:
    """`before` and `after`: how far away the doses on either side are."""
    early = ON_TIME if before >= 2 * ON_TIME else before / 2
    late = grace or (longest if after >= 2 * longest else max(after / 2, SHORTEST_LATE))
    return at - early, at + late


def _neighbourhood(start: datetime, end: datetime, longest: timedelta) -> tuple[datetime, datetime]:
    """All doses that can shorten a window in start..end: those farther off than twice the longest cannot."""
    return max(start, EARLIEST) - 2 * ON_TIME, min(end, LATEST) + 2 * longest


def _longest_late(rule: Rule) -> timedelta:
    return LONGEST_LATE_WEEKLY if is_weekly_or_rarer(rule.days) else LONGEST_LATE


def _runs_all_through(rule: Rule, first: int, last: int) -> bool:
    """No bound of the rule is near these days, so going on for ever changes nothing in them."""
    if rule.start_date.toordinal() > first - _UNEASY:
        return False
    return rule.end is None or rule.end.on.toordinal() >= last + _UNEASY


def _utc_day(instant: datetime) -> int:
    return instant.astimezone(UTC).toordinal()


def _grace(minutes: int | None) -> timedelta | None:
    if minutes is None:
        return None
    if not 1 <= minutes <= LONGEST_GRACE:
        detail = f"The time allowed for a late dose must be from 1 to {LONGEST_GRACE} minutes."
        raise RuleError("bad_grace", detail, "grace_minutes")
    return timedelta(minutes=minutes)
