"""What happens to a dose when clocks change: literal local times in, literal instants out."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from schedules import Occurrence, Weekday, Weekdays, day_start, expand, to_local, to_utc
from tests.schedules.rule_making import rule, utc

# zone, wall clock, instant, in a gap?
TABLE = [
    # New York, spring: 02:30 is skipped and read with the offset before the gap
    ("America/New_York", "2026-03-07 02:30", "2026-03-07 07:30", False),
    ("America/New_York", "2026-03-08 01:59:59", "2026-03-08 06:59:59", False),
    ("America/New_York", "2026-03-08 02:00", "2026-03-08 07:00", True),
    ("America/New_York", "2026-03-08 02:30", "2026-03-08 07:30", True),
    ("America/New_York", "2026-03-08 03:00", "2026-03-08 07:00", False),
    # New York, autumn: 01:30 comes twice and means the first
    ("America/New_York", "2026-11-01 00:59:59", "2026-11-01 04:59:59", False),
    ("America/New_York", "2026-11-01 01:00", "2026-11-01 05:00", False),
    ("America/New_York", "2026-11-01 01:30", "2026-11-01 05:30", False),
    ("America/New_York", "2026-11-01 02:00", "2026-11-01 07:00", False),
    # Berlin
    ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30", True),
    ("Europe/Berlin", "2026-03-29 03:30", "2026-03-29 01:30", False),
    ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30", False),
    ("Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00", False),
    # Lord Howe moves by half an hour
    ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:45", True),
    ("Australia/Lord_Howe", "2026-10-04 02:30", "2026-10-03 15:30", False),
    ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45", False),
    ("Australia/Lord_Howe", "2026-04-05 02:00", "2026-04-04 15:30", False),
    # midnight itself is skipped
    ("Asia/Beirut", "2026-03-29 00:30", "2026-03-28 22:30", True),
    ("Asia/Beirut", "2026-03-29 01:00", "2026-03-28 22:00", False),
    ("Asia/Beirut", "2026-10-24 23:30", "2026-10-24 20:30", False),
    ("Africa/Cairo", "2024-04-26 00:00", "2024-04-25 22:00", True),
    ("Africa/Cairo", "2024-04-26 00:59:59", "2024-04-25 22:59:59", True),
    ("Africa/Cairo", "2024-10-31 23:30", "2024-10-31 20:30", False),
    # Samoa left out a day, so did the Line Islands and Kwajalein
    ("Pacific/Apia", "2011-12-29 08:00", "2011-12-29 18:00", False),
    ("Pacific/Apia", "2011-12-30 08:00", "2011-12-30 18:00", True),
    ("Pacific/Apia", "2011-12-31 08:00", "2011-12-30 18:00", False),
    ("Pacific/Kiritimati", "1994-12-31 08:00", "1994-12-31 18:00", True),
    ("Pacific/Kwajalein", "1993-08-21 08:00", "1993-08-21 20:00", True),
    # zoneinfo says 00:30 to this one: its fold=0 offset is one that was not yet valid there
    ("America/Nuuk", "2023-10-28 21:30", "2023-10-28 23:30", False),
    ("America/Nuuk", "2023-10-28 23:30", "2023-10-29 01:30", False),
    ("America/Nuuk", "2024-03-30 23:30", "2024-03-31 01:30", True),
    ("America/Nuuk", "2024-10-26 23:30", "2024-10-27 00:30", False),
    # the far sides of the date line, and the odd quarters
    ("Pacific/Apia", "2026-07-01 08:00", "2026-06-30 19:00", False),
    ("Pacific/Kiritimati", "2026-07-01 08:00", "2026-06-30 18:00", False),
    ("America/Anchorage", "2026-01-01 20:00", "2026-01-02 05:00", False),
    ("Pacific/Gambier", "2026-01-01 20:00", "2026-01-02 05:00", False),
    ("Asia/Kathmandu", "2026-01-01 00:00", "2025-12-31 18:15", False),
    # before anyone had zones, and after anyone can know
    ("America/New_York", "1900-01-01 08:00", "1900-01-01 13:00", False),
    ("Europe/Paris", "1900-06-01 08:00", "1900-06-01 07:50:39", False),
    ("Europe/Berlin", "2199-07-01 08:00", "2199-07-01 06:00", False),
]


@pytest.mark.parametrize(("zone", "wall", "instant", "in_gap"), TABLE)
def test_a_wall_clock_has_one_instant(zone: str, wall: str, instant: str, in_gap: bool) -> None:
    assert to_utc(zone, datetime.fromisoformat(wall)) == (utc(instant), in_gap)


@pytest.mark.parametrize(("zone", "wall", "instant", "in_gap"), TABLE)
def test_the_instant_shows_the_wall_clock_again_unless_it_was_skipped(
    zone: str, wall: str, instant: str, in_gap: bool
) -> None:
    assert (to_local(zone, utc(instant)) != datetime.fromisoformat(wall)) == in_gap


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Riga", "2026-11-24", "2026-11-23 22:00"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25 22:00"),  # at 01:00
        ("Asia/Beirut", "2026-03-29", "2026-03-28 22:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00"),  # has no length: begins with the day after it
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00"),
        ("America/Toronto", "1919-03-31", "1919-03-31 04:30"),  # 23:30 became 00:30
    ],
)
def test_a_day_begins_at_its_first_existing_instant(zone: str, day: str, begins: str) -> None:
    assert day_start(zone, datetime.fromisoformat(day).date()) == utc(begins)


def told(doses: list[Occurrence]) -> list[str]:
    return [f"{dose.local:%d %H:%M} {dose.at:%d %H:%MZ} {dose.adjusted or '-'}" for dose in doses]


def test_a_dose_in_the_skipped_hour_comes_an_hour_later_by_the_clock_and_is_marked() -> None:
    daily = rule("02:30", tz="America/New_York")
    assert told(expand(daily, utc("2026-03-07"), utc("2026-03-10"))) == [
        "07 02:30 07 07:30Z -",
        "08 02:30 08 07:30Z gap",
        "09 02:30 09 06:30Z -",
    ]


def test_a_dose_in_the_repeated_hour_comes_once_the_first_time() -> None:
    daily = rule("01:30", tz="America/New_York")
    assert told(expand(daily, utc("2026-10-31"), utc("2026-11-03"))) == [
        "31 01:30 31 05:30Z -",
        "01 01:30 01 05:30Z -",
        "02 01:30 02 06:30Z -",
    ]


def test_a_window_over_the_second_pass_of_the_repeated_hour_holds_nothing() -> None:
    assert expand(rule("01:30", tz="America/New_York"), utc("2026-11-01 06:00"), utc("2026-11-01 07:00")) == []


def test_two_times_that_fall_together_are_one_dose_with_the_earlier_ones_name_and_amount() -> None:
    both = rule("03:30", "02:30", tz="Europe/Berlin")
    (dose,) = expand(both, utc("2026-03-29"), utc("2026-03-30"))
    assert (dose.slot, dose.amount) == (1441, Decimal(1))
    assert told([dose]) == ["29 02:30 29 01:30Z merged"]


def test_a_skipped_time_that_lands_behind_a_later_one_comes_after_it() -> None:
    both = rule("02:30", "03:15", tz="Europe/Berlin")
    assert told(expand(both, utc("2026-03-29"), utc("2026-03-30"))) == [
        "29 03:15 29 01:15Z -",
        "29 02:30 29 01:30Z gap",
    ]


def test_a_day_that_never_was_merges_into_the_next() -> None:
    twice = rule("08:00", "20:00", tz="Pacific/Apia", start="2011-01-01")
    assert told(expand(twice, utc("2011-12-29 12:00"), utc("2012-01-01"))) == [
        "29 08:00 29 18:00Z -",
        "29 20:00 30 06:00Z -",
        "30 08:00 30 18:00Z merged",
        "30 20:00 31 06:00Z merged",
        "01 08:00 31 18:00Z -",
    ]


def test_a_weekly_dose_on_a_day_that_never_was_is_given_the_day_after() -> None:
    fridays = rule("08:00", tz="Pacific/Apia", start="2011-01-01", days=Weekdays(frozenset({Weekday.FR})))
    assert told(expand(fridays, utc("2011-12-24"), utc("2012-01-07"))) == [
        "30 08:00 30 18:00Z gap",
        "06 08:00 05 18:00Z -",
    ]


def test_a_rule_that_begins_after_the_day_that_never_was_keeps_its_own_first_dose() -> None:
    late = rule("08:00", tz="Pacific/Apia", start="2011-12-31")
    assert told(expand(late, utc("2011-12-29"), utc("2012-01-01"))) == ["31 08:00 30 18:00Z -", "01 08:00 31 18:00Z -"]


def test_the_zone_that_changed_its_rules_is_read_from_the_instants() -> None:
    daily = rule("23:30", tz="America/Nuuk")
    assert told(expand(daily, utc("2023-10-27 12:00"), utc("2023-10-30 12:00"))) == [
        "27 23:30 28 01:30Z -",
        "28 23:30 29 01:30Z -",
        "29 23:30 30 01:30Z -",
    ]


@pytest.mark.parametrize("zone", ["Asia/Beirut", "Africa/Cairo", "America/Sao_Paulo", "America/Havana", "Asia/Amman"])
def test_a_midnight_dose_is_never_lost_in_a_year(zone: str) -> None:
    for year in (2012, 2017, 2024, 2026):
        doses = expand(rule("00:00", "00:30", tz=zone, start="2000-01-01"), utc(f"{year}-01-02"), utc(f"{year}-12-30"))
        days = {dose.key_date for dose in doses}
        assert len(days) >= (utc(f"{year}-12-30") - utc(f"{year}-01-02")).days
        assert len(doses) == 2 * (utc(f"{year}-12-30") - utc(f"{year}-01-02")).days


def test_spacing_over_the_gap_stays_a_whole_day() -> None:
    doses = expand(rule("02:30", tz="America/New_York"), utc("2026-03-07"), utc("2026-03-09"))
    assert doses[1].at - doses[0].at == timedelta(hours=24)
