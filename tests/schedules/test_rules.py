"""Rules that cannot be meant are refused when they are made; the client's day numbers."""

import pickle
from datetime import UTC, date, time
from decimal import Decimal

import pytest

from schedules import (
    Daily,
    EndDate,
    EveryNDays,
    Rule,
    RuleError,
    TimeOfDay,
    Weekday,
    Weekdays,
    free_slot,
    from_client,
    to_client,
)
from tests.schedules.rule_making import rule

EIGHT = TimeOfDay(time(8), 1440, Decimal(1))


def refusal(make: object) -> RuleError:
    with pytest.raises(RuleError) as refused:
        make()  # type: ignore[operator]
    return refused.value


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("end_before_start", lambda: rule("08:00", start="2026-03-02", end="2026-03-01")),
        ("no_weekday", lambda: Weekdays(frozenset())),
        ("bad_interval_days", lambda: EveryNDays(0)),
        ("bad_interval_days", lambda: EveryNDays(366)),
        ("bad_interval_days", lambda: EveryNDays(-1)),
        ("unknown_zone", lambda: rule("08:00", tz="Europe/Atlantis")),
        ("year_out_of_range", lambda: rule("08:00", start="1899-12-31")),
        ("year_out_of_range", lambda: rule("08:00", start="2201-01-01")),
        ("year_out_of_range", lambda: rule("08:00", end="2201-01-01")),
        ("no_time", rule),
        ("too_many_times", lambda: rule(*(f"{minute // 60:02}:{minute % 60:02}" for minute in range(25)))),
        ("time_twice", lambda: rule("08:00", "08:00")),
        ("slot_twice", lambda: Rule("UTC", date(2026, 1, 1), (EIGHT, TimeOfDay(time(9), 1440, Decimal(1))))),
        ("bad_slot", lambda: TimeOfDay(time(8), 480, Decimal(1))),
        ("bad_slot", lambda: TimeOfDay(time(8), 32_768, Decimal(1))),
        ("bad_time", lambda: TimeOfDay(time(8, tzinfo=UTC), 1440, Decimal(1))),
        ("bad_time", lambda: TimeOfDay(time(8, microsecond=1), 1440, Decimal(1))),
        ("amount_range", lambda: TimeOfDay(time(8), 1440, Decimal(0))),
        ("amount_range", lambda: TimeOfDay(time(8), 1440, Decimal(-1))),
        ("amount_range", lambda: TimeOfDay(time(8), 1440, Decimal("1e30"))),
        ("amount_too_fine", lambda: TimeOfDay(time(8), 1440, Decimal("0.0005"))),
        ("bad_amount", lambda: TimeOfDay(time(8), 1440, Decimal("NaN"))),
        ("bad_amount", lambda: TimeOfDay(time(8), 1440, Decimal("Infinity"))),
        ("follow_unavailable", lambda: Rule("UTC", date(2026, 1, 1), (EIGHT,), zone_mode="follow")),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_with_a_sentence(code: str, make: object) -> None:
    error = refusal(make)
    assert error.code == code
    assert str(error) == error.detail
    assert error.detail.endswith(".")


@pytest.mark.parametrize("days", [Daily(), EveryNDays(1), EveryNDays(365), Weekdays(frozenset({Weekday.SU}))])
def test_the_extremes_are_allowed(days: Daily | EveryNDays | Weekdays) -> None:
    assert Rule("UTC", date(1900, 1, 1), (EIGHT,), days, EndDate(date(2200, 12, 31))).days == days
    assert rule("08:00", start="2026-03-01", end="2026-03-01").end == EndDate(date(2026, 3, 1))


def test_times_are_kept_in_the_order_of_the_clock_with_their_slots() -> None:
    assert [each.slot for each in rule("20:00", "08:00").times] == [1441, 1440]


def test_equal_rules_are_equal_and_usable_as_keys() -> None:
    assert {rule("08:00", "20:00"): 1}[rule("08:00", "20:00")] == 1


def test_a_new_slot_is_above_every_slot_of_every_version() -> None:
    assert free_slot() == 1440
    assert free_slot(rule("08:00"), rule("08:00", "12:00", "20:00"), rule("09:00")) == 1443


def test_an_error_survives_the_way_between_processes() -> None:
    error = refusal(lambda: EveryNDays(0))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.code, again.detail, again.field) == (error.code, error.detail, error.field)


@pytest.mark.parametrize(("number", "day"), list(enumerate(["SU", "MO", "TU", "WE", "TH", "FR", "SA"])))
def test_the_clients_days_begin_with_sunday(number: int, day: str) -> None:
    assert from_client([number]) == {Weekday[day]}
    assert to_client([Weekday[day]]) == [number]


def test_the_clients_days_come_in_the_order_of_clicks_and_go_back_sorted() -> None:
    assert to_client(from_client([6, 0, 3, 6])) == [0, 3, 6]


@pytest.mark.parametrize("number", [-1, 7, 10**30])
def test_a_day_number_that_is_none_is_refused(number: int) -> None:
    assert refusal(lambda: from_client([number])).code == "bad_weekday"


def test_a_weekday_here_is_the_weekday_of_the_calendar() -> None:
    assert Weekday(date(2026, 11, 24).isoweekday()) is Weekday.TU
