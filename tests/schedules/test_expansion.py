"""Windows at the edges: before the start, after the end, far away, and the neighbours of an instant."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from schedules import DayFilter, EveryNDays, Occurrence, Weekday, Weekdays, expand, next_after, previous_before
from schedules.days import Days, selected
from tests.schedules.rule_making import rule, utc

MO_TH = Weekdays(frozenset({Weekday.MO, Weekday.TH}))


def days(doses: list[Occurrence]) -> list[str]:
    return [f"{dose.key_date:%m-%d}" for dose in doses]


def test_an_occurrence_says_all_that_a_dose_row_needs() -> None:
    (dose,) = expand(rule("08:00", start="2026-11-24"), utc("2026-11-24"), utc("2026-11-25"))
    assert dose == Occurrence(
        key_date=date(2026, 11, 24),
        slot=1440,
        segment=0,
        at=utc("2026-11-24 06:00"),
        local=datetime.fromisoformat("2026-11-24 08:00"),
        tzid="Europe/Riga",
        amount=rule("08:00").times[0].amount,
        adjusted=None,
    )
    assert dose.identity == (date(2026, 11, 24), 1440, 0)
    assert dose.at.tzinfo is UTC
    assert dose.local.tzinfo is None


def test_a_window_holds_its_start_and_not_its_end() -> None:
    subject = rule("08:00", tz="UTC")
    assert days(expand(subject, utc("2026-06-01 08:00"), utc("2026-06-02 08:00"))) == ["06-01"]
    assert expand(subject, utc("2026-06-01 08:00:00.000001"), utc("2026-06-02 08:00")) == []
    assert days(expand(subject, utc("2026-06-01 08:00"), utc("2026-06-01 08:00:00.000001"))) == ["06-01"]
    assert expand(subject, utc("2026-06-01 08:00"), utc("2026-06-01 08:00")) == []
    assert expand(subject, utc("2026-06-02 08:00"), utc("2026-06-01 08:00")) == []


def test_the_chosen_days_are_chosen() -> None:
    june = utc("2026-06-01"), utc("2026-06-12")
    assert days(expand(rule("08:00", days=MO_TH), *june)) == ["06-01", "06-04", "06-08", "06-11"]
    assert days(expand(rule("08:00", start="2026-05-31", days=EveryNDays(3)), *june)) == ["06-03", "06-06", "06-09"]
    assert days(expand(rule("08:00", start="2026-06-05", end="2026-06-07"), *june)) == ["06-05", "06-06", "06-07"]


def test_every_n_days_counts_from_the_start_date_however_far() -> None:
    (dose,) = expand(rule("08:00", start="1900-01-01", days=EveryNDays(365)), utc("2199-06-01"), utc("2200-05-31"))
    assert (dose.key_date - date(1900, 1, 1)).days % 365 == 0


def test_the_days_looked_at_are_those_of_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(days: DayFilter, anchor: int, first: int, last: int) -> Days:
        looked_at.append(last - first + 1)
        return selected(days, anchor, first, last)

    monkeypatch.setattr("schedules.clock_times.selected", counted)
    expand(rule("08:00", start="1900-01-01"), utc("2190-01-01"), utc("2190-01-31"))
    next_after(rule("08:00", start="1900-01-01"), utc("2190-01-01"))
    previous_before(rule("08:00", start="1900-01-01"), utc("2190-01-01"))
    assert sum(looked_at) < 60


def test_a_window_may_be_given_in_any_zone_but_not_in_none() -> None:
    subject, east = rule("08:00"), timezone(timedelta(hours=5, minutes=30))
    start, end = utc("2026-06-01"), utc("2026-06-03")
    assert expand(subject, start.astimezone(east), end.astimezone(east)) == expand(subject, start, end)
    with pytest.raises(ValueError, match="time zone"):
        expand(subject, start.replace(tzinfo=None), end)
    with pytest.raises(ValueError, match="time zone"):
        next_after(subject, start.replace(tzinfo=None))


def test_the_neighbours_are_strictly_before_and_after() -> None:
    subject = rule("08:00", tz="UTC", days=MO_TH)
    monday, thursday = utc("2026-06-01 08:00"), utc("2026-06-04 08:00")
    assert [_at(next_after(subject, at)) for at in (monday - timedelta.resolution, monday)] == [monday, thursday]
    assert [_at(previous_before(subject, at)) for at in (thursday, thursday + timedelta.resolution)] == [
        monday,
        thursday,
    ]


def test_there_is_no_dose_before_the_first_nor_after_the_last() -> None:
    subject = rule("08:00", tz="UTC", start="2026-06-01", end="2026-06-03", days=EveryNDays(2))
    first, last = utc("2026-06-01 08:00"), utc("2026-06-03 08:00")
    assert _at(next_after(subject, utc("1950-01-01"))) == first
    assert _at(previous_before(subject, utc("2150-01-01"))) == last
    assert previous_before(subject, first) is None
    assert next_after(subject, last) is None


def test_a_rule_no_chosen_day_of_which_lies_in_its_dates_has_no_doses() -> None:
    never = rule("08:00", start="2026-06-02", end="2026-06-03", days=MO_TH)
    assert expand(never, utc("2000-01-01"), utc("2100-01-01")) == []
    assert next_after(never, utc("2026-06-01")) is None
    assert previous_before(never, utc("2026-07-01")) is None


def test_outside_the_years_that_rules_speak_of_there_is_silence() -> None:
    subject = rule("08:00", start="1900-01-01")
    least, most = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert expand(subject, least, utc("1900-01-01")) == []
    assert expand(subject, utc("2201-01-10"), most) == []
    assert next_after(subject, most) is None
    assert previous_before(subject, least) is None
    assert _at(next_after(subject, least)) is not None
    assert _at(previous_before(subject, most)) is not None


def _at(dose: Occurrence | None) -> datetime | None:
    return dose and dose.at
