"""A second is served once; whether beat is among those who tick is known."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from engine.pulse import beat
from engine.pulse.models import Pulse
from tests.support.together import all_at_once

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)


def ticked(session: Session, at: datetime, source: str = beat.BEAT) -> bool:
    return beat.record(session, at=at, source=source, now=at)


@pytest.mark.parametrize("fraction", [0, 1, 999_999])
def test_a_tick_stands_for_the_second_it_falls_in(fraction: int) -> None:
    assert beat.slot_of(NOW + timedelta(microseconds=fraction)) == NOW
    assert beat.slot_of(NOW - INSTANT) == NOW - SECOND


def test_a_second_is_taken_up_once(session: Session) -> None:
    assert ticked(session, NOW)
    assert not ticked(session, NOW)
    assert not ticked(session, NOW + SECOND - INSTANT)
    assert ticked(session, NOW + SECOND)


def test_of_many_beats_at_once_one_takes_up_the_second(committed: sessionmaker[Session]) -> None:
    assert sorted(all_at_once(committed, lambda session: ticked(session, NOW), times=12)) == [False] * 11 + [True]
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Pulse)) == 1


def test_of_many_watchdogs_at_once_one_takes_up_the_second(committed: sessionmaker[Session]) -> None:
    served = all_at_once(committed, lambda session: ticked(session, NOW, "watchdog"), times=12)
    assert sorted(served) == [False] * 11 + [True]


def test_beat_takes_over_a_second_that_a_watchdog_served_and_not_the_other_way_round(session: Session) -> None:
    assert ticked(session, NOW, "watchdog")
    assert ticked(session, NOW)
    assert not ticked(session, NOW)
    assert not ticked(session, NOW, "watchdog")
    assert session.scalars(select(Pulse.source)).all() == [beat.BEAT]


def test_beat_is_silent_three_seconds_after_its_last_tick_and_not_before(session: Session) -> None:
    assert beat.is_silent(session, now=NOW)
    ticked(session, NOW)
    assert not beat.is_silent(session, now=NOW + 3 * SECOND - INSTANT)
    assert beat.is_silent(session, now=NOW + 3 * SECOND)


def test_a_watchdogs_ticks_do_not_make_beat_heard_again(session: Session) -> None:
    ticked(session, NOW)
    for seconds in (3, 4, 5):
        at = NOW + seconds * SECOND
        assert beat.is_silent(session, now=at)
        assert ticked(session, at, "watchdog")
    ticked(session, NOW + 5 * SECOND)
    assert not beat.is_silent(session, now=NOW + 6 * SECOND)


def test_the_age_is_that_of_the_newest_tick_whoever_ticked(session: Session) -> None:
    assert beat.age(session, now=NOW) is None
    ticked(session, NOW + SECOND, "watchdog")
    ticked(session, NOW)
    assert beat.age(session, now=NOW + 3 * SECOND) == 2 * SECOND


def test_pulses_are_kept_for_two_days(session: Session) -> None:
    for days in (3, 2, 1):
        ticked(session, NOW - timedelta(days=days))
    assert beat.prune(session, now=NOW) == 1
    assert beat.prune(session, now=NOW) == 0
    assert beat.prune(session, now=NOW + SECOND) == 1
    assert beat.age(session, now=NOW) == timedelta(days=1)
