"""Numbers for the operator: counts and ages, nobody's data."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch import answers, gauges
from engine.pulse import beat
from tests.support.reminders import give_address, make_world
from tests.support.sweeps import sweep

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga
EIGHT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def test_a_clock_that_never_ticked_is_infinitely_old_and_one_that_did_counts_from_its_last_tick(
    session: Session,
) -> None:
    session.execute(text("DELETE FROM pulses"))
    assert gauges.read(session, now=EARLY)["tick_age_seconds"] == float("inf")
    beat.record(session, at=EARLY, source="beat", now=EARLY)
    assert gauges.read(session, now=EARLY + timedelta(seconds=7))["tick_age_seconds"] == 7


def test_what_is_late_or_waiting_is_counted(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    give_address(session, ada.who, now=EARLY)
    assert gauges.read(session, now=EIGHT)["shards_behind"] == 1
    sweep(session, now=EIGHT)
    answers.snooze(session, ada.who, ada.reminder_id, minutes=1, now=EIGHT)
    read = gauges.read(session, now=EIGHT + timedelta(seconds=90))
    assert (read["shards_behind"], read["wakeups_waiting"]) == (0, 1)
    assert (read["outbox_waiting"], read["outbox_oldest_seconds"]) == (1, 90)
