"""Later: the next telling moves, the dose does not."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch import answers, regimen, shards, wakeups
from engine.errors import Conflict, Invalid
from engine.notifications import inbox
from tests.support.reminders import World, bell, dose_on, facts, give_address, make_world, outbox
from tests.support.sweeps import Swept, sweep

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def told_at_eight(session: Session) -> World:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    return ada


def waiting(session: Session) -> int:
    count: int = session.execute(text("SELECT count(*) FROM wakeups")).scalar_one()
    return count


def test_a_snoozed_dose_is_told_again_once_in_the_same_row_of_the_bell(session: Session) -> None:
    ada = told_at_eight(session)
    snoozed = answers.snooze(session, ada.who, ada.reminder_id, minutes=10, now=riga(8, 1))
    assert (snoozed["status"], snoozed["snoozed_until"]) == ("due", riga(8, 11))
    assert (snoozed["due_at"], snoozed["closes_at"]) == (riga(8), riga(12))
    (row,) = bell(session, ada.who)
    assert (row["read_at"], row["action_taken"]) == (riga(8, 1), "snoozed")
    assert sweep(session, now=riga(8, 10, 59)) == Swept()
    assert sweep(session, now=riga(8, 11)).woken == 1
    assert [(each["id"], each["read_at"], each["action_taken"]) for each in bell(session, ada.who)] == [
        (row["id"], None, None)
    ]
    assert sweep(session, now=riga(8, 12)) == Swept()


def test_without_a_number_a_snooze_lasts_ten_minutes_and_is_a_fact(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))
    fact = facts(session, ada.who)[-1]
    assert (fact["status"], fact["snoozed_until"]) == ("snoozed", riga(8, 11).isoformat())


def test_waking_sends_a_further_message_of_the_same_notification(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    give_address(session, ada.who, now=EARLY)
    assert sweep(session, now=riga(8)).queued == 1
    answers.snooze(session, ada.who, ada.reminder_id, minutes=10, now=riga(8, 1))
    assert sweep(session, now=riga(8, 11)).queued == 1
    first, second = outbox(session, ada.who)
    assert first["notification_id"] == second["notification_id"]
    assert (first["step"], second["step"]) == (0, 11)
    assert second["ready_at"] == riga(8, 11)


def test_a_later_snooze_replaces_the_earlier(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, minutes=10, now=riga(8, 1))
    answers.snooze(session, ada.who, ada.reminder_id, minutes=30, now=riga(8, 5))
    assert waiting(session) == 1
    assert sweep(session, now=riga(8, 11)).woken == 0
    assert sweep(session, now=riga(8, 35)).woken == 1


def test_a_dose_can_be_put_off_again_after_waking(session: Session) -> None:
    ada = told_at_eight(session)
    for start in (riga(8, 1), riga(8, 11), riga(8, 21)):
        answers.snooze(session, ada.who, ada.reminder_id, minutes=10, now=start)
        assert sweep(session, now=start + timedelta(minutes=10)).woken == 1
    assert len(bell(session, ada.who)) == 1


@pytest.mark.parametrize("status", ["taken", "skipped"])
def test_an_answer_given_meanwhile_silences_the_snooze(session: Session, status: str) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))
    answers.answer(session, ada.who, ada.reminder_id, status=status, now=riga(8, 5))
    assert waiting(session) == 0
    assert sweep(session, now=riga(8, 11)).woken == 0
    assert bell(session, ada.who)[0]["action_taken"] == status


def test_a_snooze_ends_within_the_window(session: Session) -> None:
    ada = told_at_eight(session)
    with pytest.raises(Invalid, match="after the time"):
        answers.snooze(session, ada.who, ada.reminder_id, minutes=60, now=riga(11))
    assert answers.snooze(session, ada.who, ada.reminder_id, minutes=59, now=riga(11))["snoozed_until"] == riga(11, 59)


def test_a_dose_that_is_not_due_yet_or_closed_or_answered_cannot_be_put_off(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    with pytest.raises(Conflict, match="not due yet"):
        answers.snooze(session, ada.who, ada.reminder_id, now=riga(7, 59, 59))
    sweep(session, now=riga(8))
    with pytest.raises(Conflict, match="not open any more"):
        answers.snooze(session, ada.who, dose_on(session, ada.reminder_id, TODAY)["id"], now=riga(12))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8, 1))
    with pytest.raises(Conflict, match="not open any more"):
        answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 2))


def test_a_deleted_notification_comes_back_because_its_person_asked_for_it(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))
    inbox.delete_all(session, ada.who, now=riga(8, 2))
    assert sweep(session, now=riga(8, 11)).woken == 1
    assert inbox.listing(session, ada.who, page=1, per_page=20)[1] == 1


def test_a_deleted_reminder_wakes_nobody_and_leaves_nothing_waiting(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(8, 5))
    assert waiting(session) == 0
    assert sweep(session, now=riga(8, 11)) == Swept()


def test_waking_after_the_window_says_nothing_even_before_the_dose_is_closed(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, minutes=200, now=riga(8, 1))
    lease = shards.lease(session, ada.who.person.shard)
    assert lease is not None
    woken = wakeups.wake(session, lease, now=riga(12))
    assert (woken.seen, woken.told, waiting(session)) == (1, 0, 0)


def test_a_wake_up_slept_through_is_dropped_with_the_dose_it_was_for(session: Session) -> None:
    ada = told_at_eight(session)
    answers.snooze(session, ada.who, ada.reminder_id, minutes=200, now=riga(8, 1))
    late = sweep(session, now=riga(13))  # nobody was awake when it should have woken
    assert (late.woken, late.missed, waiting(session)) == (0, 1, 0)
    assert [row["kind"] for row in bell(session, ada.who)] == ["due", "missed"]
    assert bell(session, ada.who)[0]["read_at"] is not None
