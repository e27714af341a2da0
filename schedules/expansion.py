"""Rule + half-open UTC window -> occurrences, in time proportional to the answer, however far from the rule's start.

Laws (tests/schedules/test_laws.py): instants strictly increase; a window cut in two gives the same; a dose's identity
and marks do not depend on the window; the same arguments give the same answer, whenever and wherever. Rules speak of
the years 1900 to 2200: outside them there is silence, not an error. How long a window may be is for the caller to say.
"""

from datetime import UTC, date, datetime, time, timedelta

from schedules.clock_times import occurrences_on
from schedules.days import MOST_DAYS_APART, longest_wait
from schedules.occurrences import Occurrence
from schedules.rules import FIRST_YEAR, LAST_YEAR, Rule
from schedules.zone_tables import DAY, EPOCH, EPOCH_DAY, offset_at

_SECOND = timedelta(seconds=1)
# Local days begin and end up to 15 hours off UTC's, and a skipped day's doses land a day later.
_MARGIN = timedelta(days=3)
_LAST_DAY = date(LAST_YEAR, 12, 31)
_LONGEST_REACH = timedelta(days=MOST_DAYS_APART) + 2 * _MARGIN
EARLIEST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - _MARGIN
LATEST = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) + _MARGIN


def expand(rule: Rule, start: datetime, end: datetime) -> list[Occurrence]:
    """All occurrences with start <= at < end. ValueError if either bound has no zone."""
    return _within(rule, start, end, endless=False)


def expand_endless(rule: Rule, start: datetime, end: datetime) -> list[Occurrence]:
    """As if the rule had always been and went on for ever: what its first and last doses are measured against."""
    return _within(rule, start, end, endless=True)


def next_after(rule: Rule, instant: datetime) -> Occurrence | None:
    """The first occurrence strictly after `instant`; None if the rule is over by then."""
    begins = max(_instant(instant), _midnight(rule.start_date) - _MARGIN)
    if begins >= LATEST:
        return None
    found = _within(rule, begins, begins + _reach(rule), endless=False)
    return next((each for each in found if each.at > instant), None)


def is_over(rule: Rule, instant: datetime) -> bool:
    """Nothing follows `instant`. Looked up only if the rule's last day is near: elsewhere the answer is known."""
    begins = max(rule.start_date, instant.date())
    left = (_LAST_DAY if rule.end is None else rule.end.on) - begins
    if left > _LONGEST_REACH or left > _reach(rule):
        return False
    return next_after(rule, instant) is None


def previous_before(rule: Rule, instant: datetime) -> Occurrence | None:
    """The last occurrence strictly before `instant`; None if there was none yet."""
    ends = _instant(instant)
    if rule.end is not None:
        ends = min(ends, _midnight(rule.end.on) + _MARGIN)
    if ends <= EARLIEST:
        return None
    ends = min(ends, LATEST)
    found = _within(rule, ends - _reach(rule), ends, endless=False)
    return found[-1] if found else None


def _reach(rule: Rule) -> timedelta:
    """No such stretch is without a dose while the rule runs, even if `_MARGIN` puts it before its first day."""
    return timedelta(days=longest_wait(rule.days)) + 2 * _MARGIN


def _within(rule: Rule, start: datetime, end: datetime, *, endless: bool) -> list[Occurrence]:
    opens, closes = max(_instant(start), EARLIEST), min(_instant(end), LATEST)
    if opens >= closes:
        return []
    first, last = _local_day(rule.tzid, opens), _local_day(rule.tzid, closes)
    found = occurrences_on(rule, first, last, endless=endless)
    # Whole days were asked for, so what lies outside the window is at most a few days' doses at either end.
    low, high = 0, len(found)
    while low < high and found[low].at < opens:
        low += 1
    while low < high and found[high - 1].at >= closes:
        high -= 1
    return found[low:high]


def _local_day(tzid: str, instant: datetime) -> int:
    second = (instant - EPOCH) // _SECOND
    return (second + offset_at(tzid, second)) // DAY + EPOCH_DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC))


def _instant(bound: datetime) -> datetime:
    if bound.tzinfo is None:
        raise ValueError("a window is made of instants: give them a time zone")
    return bound
