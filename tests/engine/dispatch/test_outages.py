"""Our own outages are ours: told late with the reason, given back to windows, and held against nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch import answers
from engine.notifications import delivery, inbox
from engine.pulse import beat
from tests.support.reminders import (
    World,
    bell,
    doses_of,
    facts,
    give_address,
    make_reminder,
    make_world,
    outbox,
    standing,
)
from tests.support.sweeps import sweep, sweep_gaps

BEFORE = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
EIGHT = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # in Riga
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ada(session: Session) -> World:
    """A dose at eight that can be answered for an hour."""
    return make_world(session, now=BEFORE, grace_minutes=60)


def _stood_still(session: Session, since: datetime, until: datetime) -> None:
    beat.record(session, at=since, source=beat.BEAT, now=since)
    beat.record(session, at=until, source=beat.BEAT, now=until)


def _first(session: Session, ada: World) -> int:
    return int(doses_of(session, ada.reminder_id)[0]["id"])


def test_a_window_closes_later_by_as_long_as_we_stood_still_in_it(session: Session, ada: World) -> None:
    sweep(session, now=EIGHT)
    _stood_still(session, EIGHT + 10 * MINUTE, EIGHT + 40 * MINUTE)

    sweep(session, now=EIGHT + 60 * MINUTE)
    assert standing(session, _first(session, ada)) is None
    sweep(session, now=EIGHT + 89 * MINUTE)
    assert standing(session, _first(session, ada)) is None
    sweep(session, now=EIGHT + 90 * MINUTE)

    assert standing(session, _first(session, ada)) == "missed"
    assert [each["kind"] for each in bell(session, ada.who)] == ["due", "missed"]
    assert [fact["status"] for fact in facts(session, ada.who)] == ["missed"]
    assert session.scalar(text("SELECT count(*) FROM wakeups")) == 0


def test_only_the_part_of_an_outage_within_the_window_is_given_back(session: Session, ada: World) -> None:
    sweep(session, now=EIGHT)
    _stood_still(session, EIGHT + 50 * MINUTE, EIGHT + 80 * MINUTE)

    sweep(session, now=EIGHT + 80 * MINUTE)  # ten minutes of it were in the window: over since 09:10

    assert standing(session, _first(session, ada)) == "missed"


def test_outages_in_one_window_add_up(session: Session, ada: World) -> None:
    sweep(session, now=EIGHT)
    for began in (5, 30):
        _stood_still(session, EIGHT + began * MINUTE, EIGHT + (began + 10) * MINUTE)
        for second in range(1, 15 * 60, 20):  # and in between it ticked
            at = EIGHT + (began + 10) * MINUTE + timedelta(seconds=second)
            beat.record(session, at=at, source=beat.BEAT, now=at)

    sweep(session, now=EIGHT + 79 * MINUTE)
    assert standing(session, _first(session, ada)) is None
    sweep(session, now=EIGHT + 80 * MINUTE)
    assert standing(session, _first(session, ada)) == "missed"


def test_an_answer_in_the_time_given_back_is_kept_and_nothing_follows(session: Session, ada: World) -> None:
    sweep(session, now=EIGHT)
    _stood_still(session, EIGHT + 10 * MINUTE, EIGHT + 40 * MINUTE)
    sweep(session, now=EIGHT + 61 * MINUTE)

    answers.answer(session, ada.who, _first(session, ada), status="taken", now=EIGHT + 62 * MINUTE)
    sweep(session, now=EIGHT + 120 * MINUTE)

    assert standing(session, _first(session, ada)) == "taken"
    assert [each["kind"] for each in bell(session, ada.who)] == ["due"]
    assert session.scalar(text("SELECT count(*) FROM wakeups")) == 0


def test_the_gap_sweep_leaves_a_window_alone_that_was_given_time(session: Session, ada: World) -> None:
    sweep(session, now=EIGHT)
    _stood_still(session, EIGHT + 10 * MINUTE, EIGHT + 40 * MINUTE)
    sweep(session, now=EIGHT + 61 * MINUTE)

    sweep_gaps(session, ada.who, now=EIGHT + 62 * MINUTE)

    assert standing(session, _first(session, ada)) is None


def test_the_sweep_does_not_stop_at_a_window_that_was_given_time(session: Session, ada: World) -> None:
    bob = make_world(session, name="bob", at="08:30", now=BEFORE, grace_minutes=31)
    session.execute(text("UPDATE doses SET shard = 0"))
    session.execute(text("UPDATE users SET shard = 0"))
    sweep(session, now=EIGHT)
    _stood_still(session, EIGHT + 1 * MINUTE, EIGHT + 20 * MINUTE)  # within Ada's window, before Bob's
    sweep(session, now=EIGHT + 30 * MINUTE)

    sweep(session, now=EIGHT + 61 * MINUTE)

    assert standing(session, _first(session, ada)) is None
    assert standing(session, int(doses_of(session, bob.reminder_id)[0]["id"])) == "missed"


def test_what_was_due_while_we_stood_still_is_told_late_with_the_reason(session: Session, ada: World) -> None:
    _stood_still(session, EIGHT - MINUTE, EIGHT + 9 * MINUTE)
    sweep(session, now=EIGHT + 9 * MINUTE)

    (told,) = inbox.listing(session, ada.who, page=1, per_page=10)[0]
    assert told["title"] == "💊 Late reminder"
    assert "Pillio was not running then" in told["message"]
    assert told["due_at"] == EIGHT


def test_nobody_is_said_to_have_missed_what_was_told_late(session: Session, ada: World) -> None:
    _stood_still(session, EIGHT - MINUTE, EIGHT + 9 * MINUTE)
    sweep(session, now=EIGHT + 9 * MINUTE)
    sweep(session, now=EIGHT + 120 * MINUTE)

    assert standing(session, _first(session, ada)) == "not_reminded"
    assert [each["kind"] for each in bell(session, ada.who)] == ["due"]


def test_what_opened_and_closed_while_we_stood_still_was_not_reminded(session: Session, ada: World) -> None:
    _stood_still(session, EIGHT - MINUTE, EIGHT + 200 * MINUTE)
    sweep(session, now=EIGHT + 200 * MINUTE)

    assert standing(session, _first(session, ada)) == "not_reminded"
    assert bell(session, ada.who) == []


@pytest.mark.parametrize(("minutes", "is_late"), [(5, False), (6, True)])
def test_five_minutes_are_not_late(session: Session, ada: World, minutes: int, is_late: bool) -> None:
    sweep(session, now=EIGHT + minutes * MINUTE)

    assert ("Late" in inbox.listing(session, ada.who, page=1, per_page=10)[0][0]["title"]) is is_late


def test_a_machine_that_comes_back_sends_each_person_one_message(session: Session, ada: World) -> None:
    give_address(session, ada.who, now=BEFORE)
    for at in ("08:05", "08:10"):
        make_reminder(session, ada.who, ada.medicine_id, at=at, now=BEFORE)
    _stood_still(session, EIGHT - MINUTE, EIGHT + 30 * MINUTE)

    swept = sweep(session, now=EIGHT + 30 * MINUTE)

    assert (swept.told, swept.queued) == (3, 1)
    assert len(bell(session, ada.who)) == 3
    (step,) = outbox(session, ada.who)
    assert step["notification_id"] == bell(session, ada.who)[0]["id"]
    (message,) = delivery.lease(session, now=EIGHT + 30 * MINUTE)
    assert message.words.title == "💊 Late reminder"
    assert message.words.message.endswith("2 more reminders came late with it: see Pillio.")


def test_what_is_punctual_after_an_outage_goes_out_by_itself(session: Session, ada: World) -> None:
    give_address(session, ada.who, now=BEFORE)
    make_reminder(session, ada.who, ada.medicine_id, at="08:28", now=BEFORE)
    _stood_still(session, EIGHT - MINUTE, EIGHT + 30 * MINUTE)

    assert sweep(session, now=EIGHT + 30 * MINUTE).queued == 2


def test_a_rule_saved_with_an_open_window_is_not_late(session: Session) -> None:
    world = make_world(session, at="08:00", now=EIGHT + 30 * MINUTE)

    (told,) = inbox.listing(session, world.who, page=1, per_page=10)[0]
    assert "Late" not in told["title"]
