"""Answering over HTTP by the reminder's number, as the old client does, and from the bell."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.callers import Caller
from tests.support.reminders import revisions
from tests.support.standing import StandingClock

DOSE = {
    "id", "reminder_id", "medicine_id", "medicine_name", "planned_on", "scheduled_time", "time_zone", "due_at",
    "closes_at", "amount", "unit", "dosage", "adjusted", "status", "revision", "reminded_at", "taken_at",
    "recorded_at", "recorded_by", "source", "reason", "notes", "snoozed_until",
}  # fmt: skip


@pytest.fixture
def medicine(clock: StandingClock, ada: Caller) -> int:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada.add_medicine(current_stock=6, min_stock_alert=0)


@pytest.fixture
def reminder(ada: Caller, medicine: int) -> int:
    """Due now, and open until noon."""
    return ada.remind(medicine, "08:00")


def stock(caller: Caller) -> float:
    [medicine] = caller.get("/medicines")["items"]
    return float(medicine["current_stock"])


def test_taking_as_the_client_does_it_answers_the_dose(clock: StandingClock, ada: Caller, reminder: int) -> None:
    clock.move(minutes=3)
    taken = ada.post(f"/reminders/{reminder}/take", {})

    assert set(taken) == DOSE
    assert (taken["reminder_id"], taken["status"], taken["source"]) == (reminder, "taken", "app")
    assert taken["taken_at"] == taken["recorded_at"] == "2026-03-03T06:03:00Z"
    assert taken["reminded_at"] == "2026-03-03T06:00:00Z"
    assert taken["recorded_by"] == ada.get("/auth/me")["id"]
    assert ada.get(f"/doses/{taken['id']}") == {name: taken[name] for name in DOSE - {"snoozed_until"}}
    assert stock(ada) == 5


def test_before_its_time_a_reminder_means_its_dose_of_today(ada: Caller, medicine: int) -> None:
    evening = ada.remind(medicine, "20:00")
    taken = ada.post(f"/reminders/{evening}/take", {})

    assert (taken["scheduled_time"], taken["taken_at"]) == ("2026-03-03T20:00:00", "2026-03-03T06:00:00Z")
    assert ada.get("/reminders/today-with-status")[0]["status"] == "taken"


def test_the_same_answer_again_changes_nothing(clock: StandingClock, ada: Caller, reminder: int) -> None:
    first = ada.post(f"/reminders/{reminder}/take", {})
    clock.move(minutes=5)

    for again in (f"/reminders/{reminder}/take", f"/doses/{first['id']}/take", f"/reminders/{first['id']}/take"):
        assert ada.post(again, {"notes": "again"}) == first
    assert stock(ada) == 5


def test_an_answer_needs_no_body_and_its_note_may_be_in_the_query(ada: Caller, medicine: int) -> None:
    first, second = ada.remind(medicine, "08:00"), ada.remind(medicine, "07:59")
    taken = ada.post(f"/reminders/{first}/take?notes=with%20food")
    skipped = ada.post(f"/reminders/{second}/skip", {"notes": "", "reason": "felt sick"})

    assert (taken["notes"], taken["reason"]) == ("with food", None)
    assert (skipped["notes"], skipped["reason"], skipped["taken_at"]) == (None, "felt sick", None)


def test_what_was_taken_cannot_be_skipped_until_that_is_undone(ada: Caller, reminder: int) -> None:
    ada.post(f"/reminders/{reminder}/take", {})

    problem = ada.refused(409, "POST", f"/reminders/{reminder}/skip", {})
    assert (problem["code"], problem["detail"]) == ("dose_taken", "This dose is recorded as taken. Undo that first.")

    assert ada.post(f"/reminders/{reminder}/undo")["status"] == "due"
    assert stock(ada) == 6
    assert ada.post(f"/reminders/{reminder}/skip", {})["status"] == "skipped"


def test_what_was_skipped_may_still_be_taken(ada: Caller, reminder: int, committed: sessionmaker[Session]) -> None:
    ada.post(f"/reminders/{reminder}/skip", {})
    taken = ada.post(f"/reminders/{reminder}/take", {})

    assert (taken["status"], taken["revision"], stock(ada)) == ("taken", 2, 5)
    with committed() as session:
        assert [each["status"] for each in revisions(session, taken["id"])] == ["skipped", "taken"]


def test_a_log_may_say_when_it_happened_and_why(clock: StandingClock, ada: Caller, reminder: int) -> None:
    clock.move(hours=1)
    ada = ada.afresh()
    said = {"status": "taken", "taken_at": "2026-03-03T08:10:00+02:00", "notes": "at breakfast"}
    logged = ada.post(f"/reminders/{reminder}/log", said)

    assert (logged["taken_at"], logged["recorded_at"]) == ("2026-03-03T06:10:00Z", "2026-03-03T07:00:00Z")
    assert logged["notes"] == "at breakfast"
    assert ada.get("/medicines/inventory-history")["items"][0]["occurred_at"] == "2026-03-03T06:10:00Z"


def test_what_cannot_be_an_answer_is_refused_with_a_sentence(ada: Caller, reminder: int) -> None:
    instant = "Taken at must be an instant with its zone, such as 2026-11-24T08:00:00+02:00."
    wrong = [
        ({}, "Status is missing."),
        ({"status": "missed"}, "Status must be 'taken' or 'skipped'."),
        ({"status": "taken", "taken_at": "2026-03-03T08:00:00"}, instant),
        ({"status": "taken", "taken_at": "yesterday"}, instant),
        ({"status": "taken", "taken_at": 1772517600}, instant),
        ({"status": "taken", "taken_at": "0001-01-01T00:00:00Z"}, "Taken at must be a date from 1900 to 2200."),
        ({"status": "taken", "taken_at": "9999-12-31T23:59:59Z"}, "Taken at must be a date from 1900 to 2200."),
        ({"status": "taken", "taken_at": "2026-03-03T08:02:00+02:00"}, "A dose cannot have been taken in the future."),
        ({"status": "taken", "taken_at": "2024-03-03T08:00:00Z"}, "That is too far from when the dose was planned."),
        ({"status": "taken", "notes": "x" * 2001}, "Notes can have at most 2000 characters."),
        ({"status": "taken", "reason": ["x"]}, "Reason must be text."),
    ]
    for said, sentence in wrong:
        assert ada.refused(422, "POST", f"/reminders/{reminder}/log", said)["detail"] == sentence
    assert ada.get("/reminders/today-with-status")[0]["status"] == "due"


def test_snoozing_moves_the_telling_and_not_the_dose(clock: StandingClock, ada: Caller, reminder: int) -> None:
    snoozed = ada.post(f"/reminders/{reminder}/snooze")
    longer = ada.post(f"/reminders/{reminder}/snooze", {"minutes": 30})

    assert (snoozed["status"], snoozed["snoozed_until"]) == ("due", "2026-03-03T06:10:00Z")
    assert (longer["due_at"], longer["snoozed_until"]) == (snoozed["due_at"], "2026-03-03T06:30:00Z")
    [bell] = ada.get("/notifications")["items"]
    assert (bell["is_read"], bell["action_taken"]) == (True, "snoozed")


def test_what_cannot_be_snoozed_is_refused_in_words(ada: Caller, medicine: int, reminder: int) -> None:
    later = ada.remind(medicine, "20:00")
    assert ada.refused(409, "POST", f"/reminders/{later}/snooze")["code"] == "dose_not_due"
    for minutes, sentence in (
        (0, "Minutes must be at least 1."),
        (721, "Minutes must be at most 720."),
        (True, "Minutes must be a number."),
        (1.5, "Minutes must be a whole number."),
        (240, "That is after the time in which this dose can still be taken."),
    ):
        assert ada.refused(422, "POST", f"/reminders/{reminder}/snooze", {"minutes": minutes})["detail"] == sentence
    ada.post(f"/reminders/{reminder}/take", {})
    assert ada.refused(409, "POST", f"/reminders/{reminder}/snooze")["code"] == "dose_closed"


def test_there_is_nothing_to_undo_before_there_is_an_answer(ada: Caller, reminder: int) -> None:
    problem = ada.refused(409, "POST", f"/reminders/{reminder}/undo")

    assert problem["detail"] == "There is no answer to undo for this dose."


def test_a_reminder_without_a_dose_to_answer_says_so(ada: Caller, medicine: int) -> None:
    tomorrow = ada.remind(medicine, "09:00", frequency="specific_days", specific_days=[3])

    problem = ada.refused(409, "POST", f"/reminders/{tomorrow}/take", {})

    assert problem["detail"] == "This reminder has no dose to answer today."


def test_what_is_not_there_cannot_be_answered(ada: Caller, bob: Caller, reminder: int) -> None:
    dose = ada.get("/doses")["items"][0]["id"]
    for answer in ("take", "skip", "snooze", "undo"):
        for mine, nobodys in ((reminder, 999_999), (dose, 2**53 - 1), (dose, dose + 1)):
            strange = bob.refused(404, "POST", f"/reminders/{mine}/{answer}")
            assert strange == bob.refused(404, "POST", f"/reminders/{nobodys}/{answer}")
        assert bob.refused(404, "POST", f"/doses/{dose}/{answer}")["code"] == "dose_not_found"
        bob.refused(422, "POST", f"/doses/{2**53}/{answer}")
    assert bob.refused(404, "POST", f"/reminders/{reminder}/log", {"status": "taken"})["code"] == "reminder_not_found"
    assert stock(ada) == 6


# --- from the bell --------------------------------------------------------------------------------------------------


def test_taken_and_skipped_from_the_bell_record_the_dose(ada: Caller, medicine: int) -> None:
    ada.remind(medicine, "08:00")
    ada.remind(medicine, "07:59")
    first, second = ada.get("/notifications")["items"]

    taken, skipped = ada.put(f"/notifications/{first['id']}/taken"), ada.put(f"/notifications/{second['id']}/skipped")

    assert (taken["id"], taken["is_read"], taken["action_taken"]) == (first["id"], True, "taken")
    assert (skipped["id"], skipped["is_read"], skipped["action_taken"]) == (second["id"], True, "skipped")
    assert ada.get(f"/doses/{first['dose_id']}")["status"] == "taken"
    assert ada.get(f"/doses/{second['dose_id']}")["status"] == "skipped"
    assert stock(ada) == 5
    assert ada.put(f"/notifications/{first['id']}/taken") == taken
    assert ada.refused(409, "PUT", f"/notifications/{first['id']}/skipped")["code"] == "dose_taken"
    assert stock(ada) == 5


def test_an_answer_elsewhere_shows_in_the_bell(ada: Caller, reminder: int) -> None:
    ada.post(f"/reminders/{reminder}/skip", {})

    [bell] = ada.get("/notifications")["items"]
    assert (bell["is_read"], bell["action_taken"]) == (True, "skipped")


def test_what_is_not_about_a_dose_cannot_be_taken(ada: Caller, medicine: int) -> None:
    ada.post(f"/medicines/{medicine}/adjust-stock?adjustment=-6")
    [low] = ada.get("/notifications")["items"]

    problem = ada.refused(422, "PUT", f"/notifications/{low['id']}/taken")
    assert problem["detail"] == "This notification is not about a dose."
