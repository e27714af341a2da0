"""Rows on the nights the clocks change, and for people whose day is nearly a day before or behind."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from engine.dispatch import ahead
from tests.support.reminders import doses_of, make_world
from tests.support.sweeps import sweep

Row = tuple[str, str, str | None]


def planned(session: Session, time_zone: str, at: str, now: datetime) -> list[Row]:
    """Planned wall clock, instant and adjustment of each row of a daily rule saved at `now`."""
    ada = make_world(session, time_zone=time_zone, at=at, now=now)
    return [
        (f"{dose['planned_local']:%d %H:%M}", f"{dose['due_at'].astimezone(UTC):%d %H:%M}", dose["adjusted"])
        for dose in doses_of(session, ada.reminder_id)
    ]


@pytest.mark.parametrize(
    ("time_zone", "at", "now", "rows"),
    [
        # spring: 02:30 or 03:30 does not exist on the second day and is told as much later as the clocks jumped
        (
            "Europe/Riga",
            "03:30",
            datetime(2026, 3, 27, 22, 0, tzinfo=UTC),
            [("28 03:30", "28 01:30", None), ("29 03:30", "29 01:30", "gap"), ("30 03:30", "30 00:30", None)],
        ),
        (
            "America/New_York",
            "02:30",
            datetime(2026, 3, 7, 6, 0, tzinfo=UTC),
            [("07 02:30", "07 07:30", None), ("08 02:30", "08 07:30", "gap"), ("09 02:30", "09 06:30", None)],
        ),
        (
            "Australia/Lord_Howe",
            "02:15",
            datetime(2026, 10, 2, 15, 0, tzinfo=UTC),
            [("03 02:15", "02 15:45", None), ("04 02:15", "03 15:45", "gap"), ("05 02:15", "04 15:15", None)],
        ),
        # autumn: the wall clock shows the time twice and the dose is told once, the first time
        (
            "Europe/Riga",
            "03:30",
            datetime(2026, 10, 23, 22, 0, tzinfo=UTC),
            [("24 03:30", "24 00:30", None), ("25 03:30", "25 00:30", None), ("26 03:30", "26 01:30", None)],
        ),
        (
            "America/New_York",
            "01:30",
            datetime(2026, 10, 31, 5, 0, tzinfo=UTC),
            [("31 01:30", "31 05:30", None), ("01 01:30", "01 05:30", None), ("02 01:30", "02 06:30", None)],
        ),
        (
            "Australia/Lord_Howe",
            "01:45",
            datetime(2026, 4, 3, 14, 0, tzinfo=UTC),
            [("04 01:45", "03 14:45", None), ("05 01:45", "04 14:45", None), ("06 01:45", "05 15:15", None)],
        ),
    ],
)
def test_the_night_the_clocks_change_has_one_dose(
    session: Session, time_zone: str, at: str, now: datetime, rows: list[Row]
) -> None:
    assert planned(session, time_zone, at, now) == rows


@pytest.mark.parametrize(
    ("time_zone", "now", "first_day"),
    [
        ("Pacific/Apia", datetime(2026, 11, 23, 18, 0, tzinfo=UTC), date(2026, 11, 24)),  # 07:00 on the 24th
        ("Pacific/Tongatapu", datetime(2026, 11, 23, 18, 0, tzinfo=UTC), date(2026, 11, 24)),
        ("America/Adak", datetime(2026, 11, 25, 2, 0, tzinfo=UTC), date(2026, 11, 25)),  # 16:00 on the 24th, closed
        ("Pacific/Gambier", datetime(2026, 11, 25, 1, 0, tzinfo=UTC), date(2026, 11, 25)),  # UTC-9, 16:00
        ("Pacific/Gambier", datetime(2026, 11, 24, 16, 0, tzinfo=UTC), date(2026, 11, 24)),  # 07:00
    ],
)
def test_a_day_is_the_persons_own_however_far_from_utc(
    session: Session, time_zone: str, now: datetime, first_day: date
) -> None:
    ada = make_world(session, time_zone=time_zone, at="08:00", now=now)
    first = doses_of(session, ada.reminder_id)[0]
    assert first["key_date"] == first_day
    assert first["planned_local"].isoformat() == f"{first_day}T08:00:00"
    assert sweep(session, now=first["due_at"] - timedelta(microseconds=1)).told == 0
    assert sweep(session, now=first["due_at"]).told == 1


def test_rolling_over_the_night_the_clocks_change_makes_each_day_once(session: Session) -> None:
    start = datetime(2026, 3, 27, 5, 0, tzinfo=UTC)
    ada = make_world(session, time_zone="Europe/Riga", at="03:30", now=start)
    for hours in range(6, 97, 6):
        ahead.roll(session, now=start + timedelta(hours=hours))
    days = [dose["key_date"] for dose in doses_of(session, ada.reminder_id)]
    assert days == [date(2026, 3, 27) + timedelta(days=number) for number in range(7)]
