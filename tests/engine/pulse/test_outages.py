"""A clock that stood still is known to have."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.pulse import beat, outages

EIGHT = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)


def _tick(session: Session, at: datetime, source: str = beat.BEAT) -> None:
    beat.record(session, at=at, source=source, now=at)


def _known(session: Session) -> list[tuple[datetime, datetime]]:
    return [(row[0], row[1]) for row in session.execute(text("SELECT began_at, ended_at FROM outages"))]


def test_the_first_tick_after_a_gap_finds_the_outage(session: Session) -> None:
    _tick(session, EIGHT)
    _tick(session, EIGHT + timedelta(minutes=10))
    _tick(session, EIGHT + timedelta(minutes=10, seconds=1))

    assert _known(session) == [(EIGHT, EIGHT + timedelta(minutes=10))]


@pytest.mark.parametrize(("seconds", "outages_found"), [(30, 0), (31, 1)])
def test_a_restart_is_no_outage(session: Session, seconds: int, outages_found: int) -> None:
    _tick(session, EIGHT)
    _tick(session, EIGHT + timedelta(seconds=seconds))

    assert len(_known(session)) == outages_found


def test_before_the_first_tick_nothing_stood_still(session: Session) -> None:
    _tick(session, EIGHT)

    assert _known(session) == []


def test_a_second_served_by_a_watchdog_is_no_outage(session: Session) -> None:
    for second in range(0, 60, 20):
        _tick(session, EIGHT + timedelta(seconds=second), "watchdog")
    _tick(session, EIGHT + timedelta(seconds=60))

    assert _known(session) == []


def test_a_tick_that_comes_late_for_an_earlier_second_finds_nothing(session: Session) -> None:
    _tick(session, EIGHT + timedelta(minutes=10))
    _tick(session, EIGHT)

    assert _known(session) == []


def test_an_outage_is_asked_for_by_its_end_and_forgotten_long_after(session: Session) -> None:
    _tick(session, EIGHT)
    ended_at = EIGHT + timedelta(minutes=10)
    _tick(session, ended_at)

    assert outages.any_since(session, ended_at - timedelta(seconds=1))
    assert not outages.any_since(session, ended_at)
    assert outages.prune(session, now=ended_at + outages.KEEP) == 0
    assert outages.prune(session, now=ended_at + outages.KEEP + timedelta(seconds=1)) == 1
