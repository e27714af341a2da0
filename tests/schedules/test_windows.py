"""When a dose opens and when it is over."""

from datetime import timedelta

import pytest

from schedules import (
    EveryNDays,
    Rule,
    RuleError,
    Weekday,
    Weekdays,
    closes_at,
    expand,
    expand_with_windows,
    next_after,
    window_of,
)
from tests.schedules.rule_making import rule, utc

MONDAYS = Weekdays(frozenset({Weekday.MO}))
TWICE_A_WEEK = Weekdays(frozenset({Weekday.MO, Weekday.TH}))


def minutes(subject: Rule, grace: int | None = None, day: str = "2026-06-01") -> list[tuple[float, float]]:
    """(early, late) in minutes for each dose of a UTC day."""
    timed = expand_with_windows(subject, utc(day), utc(day) + timedelta(days=1), grace)
    return [
        ((each.occurrence.at - opens) / M, (closes - each.occurrence.at) / M)
        for each in timed
        for _, opens, closes in [each]
    ]


M = timedelta(minutes=1)
HOURLY = [f"{hour:02}:00" for hour in range(24)]


@pytest.mark.parametrize(
    ("why", "subject", "windows"),
    [
        ("once a day: four hours", rule("08:00", tz="UTC"), [(60, 240)]),
        ("twice a day: still four", rule("08:00", "20:00", tz="UTC"), [(60, 240), (60, 240)]),
        ("half the way to the next", rule("08:00", "14:00", tz="UTC"), [(60, 180), (60, 240)]),
        ("over midnight too", rule("02:00", "22:00", tz="UTC"), [(60, 240), (60, 120)]),
        ("every hour", rule(*HOURLY, tz="UTC"), [(30, 30)] * 24),
        ("ten minutes apart: never under half an hour late", rule("08:00", "08:10", tz="UTC"), [(60, 30), (5, 240)]),
        ("every second day", rule("08:00", tz="UTC", start="2026-06-01", days=EveryNDays(2)), [(60, 240)]),
        ("twice a week is no weekly", rule("08:00", tz="UTC", days=TWICE_A_WEEK), [(60, 240)]),
        ("weekly: a day", rule("08:00", tz="UTC", days=MONDAYS), [(60, 1440)]),
        ("every 6 days is no weekly", rule("08:00", tz="UTC", start="2026-06-01", days=EveryNDays(6)), [(60, 240)]),
        ("every 7 days: a day", rule("08:00", tz="UTC", start="2026-06-01", days=EveryNDays(7)), [(60, 1440)]),
        ("every 28 days: a day", rule("08:00", tz="UTC", start="2026-06-01", days=EveryNDays(28)), [(60, 1440)]),
        ("weekly, twice on the day", rule("08:00", "20:00", tz="UTC", days=MONDAYS), [(60, 360), (60, 1440)]),
    ],
)
def test_late_is_half_the_way_to_the_next_dose_within_its_limits(
    why: str, subject: Rule, windows: list[tuple[float, float]]
) -> None:
    assert minutes(subject) == windows


def test_a_grace_of_ones_own_replaces_the_late_part_only() -> None:
    assert minutes(rule("08:00", "08:10", tz="UTC"), grace=15) == [(60, 15), (5, 15)]
    assert minutes(rule("08:00", tz="UTC"), grace=10_080) == [(60, 10_080)]


def test_the_first_and_last_dose_are_measured_as_if_the_rule_went_on() -> None:
    one_day = rule("08:00", "14:00", "20:00", tz="UTC", start="2026-06-01", end="2026-06-01")
    for_ever = rule("08:00", "14:00", "20:00", tz="UTC")
    assert minutes(one_day) == minutes(for_ever)
    last = rule(*HOURLY, tz="UTC", start="2026-06-01", end="2026-06-01")
    assert minutes(last)[-1] == minutes(last)[0] == (30, 30)


def test_the_hours_are_those_that_pass_not_those_on_the_clock() -> None:
    night = rule("00:00", "06:00", tz="Europe/Berlin")
    over_the_gap = expand_with_windows(night, utc("2026-03-28 22:00"), utc("2026-03-29"))
    assert over_the_gap[0].closes_at - over_the_gap[0].occurrence.at == timedelta(hours=2.5)


def test_a_dose_merged_by_the_rules_bound_keeps_its_window() -> None:
    late = rule("08:00", tz="Pacific/Apia", start="2011-12-31")
    (timed,) = expand_with_windows(late, utc("2011-12-30"), utc("2011-12-31"))
    assert timed.occurrence == next_after(late, utc("2011-12-01"))
    assert timed.occurrence.adjusted is None
    assert timed.closes_at == timed.occurrence.at + timedelta(hours=4)


def test_one_dose_asked_alone_has_the_same_window() -> None:
    subject = rule("08:00", "14:00", end="2026-06-02")
    for dose, opens, closes in expand_with_windows(subject, utc("2026-05-30"), utc("2026-06-05")):
        assert window_of(subject, dose) == (opens, closes)
        assert closes_at(subject, dose) == closes


def test_a_dose_that_an_edit_left_behind_is_measured_against_the_doses_about_it() -> None:
    (dose,) = expand(rule("08:00", tz="UTC"), utc("2026-06-01"), utc("2026-06-02"))
    assert closes_at(rule("09:30", tz="UTC"), dose) == utc("2026-06-01 08:45")


@pytest.mark.parametrize("grace", [0, -1, 10_081])
def test_a_grace_that_is_none_is_refused(grace: int) -> None:
    with pytest.raises(RuleError) as refused:
        expand_with_windows(rule("08:00"), utc("2026-06-01"), utc("2026-06-02"), grace)
    assert refused.value.code == "bad_grace"
