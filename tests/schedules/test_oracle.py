"""The same question put to python-dateutil: RRULEs on naive wall clocks, then zoneinfo's own way into UTC.

Neither shares a line with `schedules`. Wall clocks that zoneinfo reads wrongly or twice are left to test_clock_changes.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil import rrule  # type: ignore[import-untyped]
from hypothesis import given, settings

from schedules import EveryNDays, Rule, Weekday, Weekdays, expand
from tests.schedules.rule_making import rules_and_windows


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(rules_and_windows())
def test_dateutil_agrees_on_instants_dates_and_slots(case: tuple[Rule, datetime, datetime]) -> None:
    rule, start, end = case
    ours = {(dose.at, dose.key_date, dose.slot) for dose in expand(rule, start, end) if dose.adjusted is None}
    theirs = {
        (at, local.date(), each.slot)
        for each in rule.times
        for local in _walls(rule, each.at, start, end)
        if start <= (at := _instant(rule.tzid, local)) < end and _is_plain(rule.tzid, local)
    }
    merged = {dose.identity for dose in expand(rule, start, end) if dose.adjusted}
    assert {found for found in theirs - ours if not merged} == set()
    assert {
        found for found in ours - theirs if _is_plain(rule.tzid, datetime.combine(found[1], _clock(rule, found[2])))
    } == set()


def _walls(rule: Rule, at: time, start: datetime, end: datetime) -> list[datetime]:
    first = datetime.combine(rule.start_date, at)
    last = datetime.combine(rule.end.on if rule.end else date(2199, 12, 31), time.max)
    low = max(first, start.replace(tzinfo=None) - timedelta(days=2))
    high = min(last, end.replace(tzinfo=None) + timedelta(days=2))
    match rule.days:
        case Weekdays(on):
            recurrence = rrule.rrule(rrule.DAILY, dtstart=first, byweekday=[_WEEKDAYS[day] for day in on], until=high)
        case EveryNDays(n):
            recurrence = rrule.rrule(rrule.DAILY, dtstart=first, interval=n, until=high)
        case _:
            recurrence = rrule.rrule(rrule.DAILY, dtstart=first, until=high)
    return list(recurrence.between(low, high, inc=True))


_WEEKDAYS = {
    Weekday.MO: rrule.MO,
    Weekday.TU: rrule.TU,
    Weekday.WE: rrule.WE,
    Weekday.TH: rrule.TH,
    Weekday.FR: rrule.FR,
    Weekday.SA: rrule.SA,
    Weekday.SU: rrule.SU,
}


def _clock(rule: Rule, slot: int) -> time:
    return next(each.at for each in rule.times if each.slot == slot)


def _instant(tzid: str, local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo(tzid)).astimezone(UTC)


def _is_plain(tzid: str, local: datetime) -> bool:
    """There is such a wall time, once."""
    folds = {local.replace(tzinfo=ZoneInfo(tzid), fold=fold).astimezone(UTC) for fold in (0, 1)}
    there = next(iter(folds)).astimezone(ZoneInfo(tzid)).replace(tzinfo=None)
    return len(folds) == 1 and there == local
