"""Doses over HTTP by their own number, and twenty answers at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock


def test_twenty_takes_at_once_are_one(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6, min_stock_alert=5)
    reminder = ada.add_reminder(medicine)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ada.post(f"/reminders/{reminder}/take", {}), range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "taken"
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 5
    entries = ada.get("/medicines/inventory-history", params={"change_type": "consumed"})["items"]
    assert [entry["dose_id"] for entry in entries] == [answers[0]["id"]]
    lows = ada.get("/notifications", params={"type": "low_stock"})["items"]
    assert len(lows) == 1


def test_takes_and_skips_at_once_leave_one_answer_and_the_stock_that_goes_with_it(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    dose = ada.post(f"/reminders/{ada.add_reminder(medicine)}/snooze")["id"]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda each: ada.call("POST", f"/doses/{dose}/{each}"), ["take", "skip"] * 10))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert ada.get(f"/doses/{dose}")["status"] == "taken"  # skipped may become taken, and not the other way round
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 5
    assert ada.get("/medicines/inventory-history", params={"change_type": "consumed"})["total"] == 1


@pytest.fixture
def course(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026. Twice a day: at eight, and at eight in the evening."""
    medicine = ada.add_medicine(current_stock=30)
    ada.remind(medicine, "08:00")
    ada.remind(medicine, "20:00")
    return ada


def test_doses_are_listed_by_the_persons_days_oldest_first(course: Caller) -> None:
    def listed(**query: str) -> list[str]:
        page = course.get("/doses", params=query)
        assert page["total"] == len(page["items"])
        return [dose["scheduled_time"][5:16] for dose in page["items"]]

    tuesday, wednesday = ["03-03T08:00", "03-03T20:00"], ["03-04T08:00", "03-04T20:00"]
    assert listed() == tuesday
    assert listed(start="2026-03-04") == listed(end="2026-03-04") == wednesday
    assert listed(start="2026-03-03", end="2026-03-04") == tuesday + wednesday
    assert listed(status="due") == tuesday[:1]
    assert listed(status="scheduled") == tuesday[1:]
    assert listed(status="missed") == []
    second = course.get("/doses", params={"start": "2026-03-03", "end": "2026-03-04", "per_page": 3, "page": 2})
    assert ([dose["scheduled_time"][5:16] for dose in second["items"]], second["total"]) == (wednesday[1:], 4)


def test_a_range_nobody_means_is_refused_in_words(course: Caller) -> None:
    sentence = "Please ask for at most a year, from an earlier day to a later one."
    for start, end in (("2026-03-04", "2026-03-03"), ("2026-01-01", "2027-01-03"), ("1900-01-01", "2200-12-31")):
        assert course.refused(422, "GET", f"/doses?start={start}&end={end}")["detail"] == sentence
    assert course.get("/doses?start=2026-01-01&end=2027-01-02")["total"] >= 4
    course.refused(422, "GET", "/doses?status=forgotten")


def test_a_dose_has_what_a_client_needs_to_show_it(course: Caller) -> None:
    due, later = course.get("/doses")["items"]

    assert course.get(f"/doses/{due['id']}") == due
    assert due["reminded_at"] == "2026-03-03T06:00:00Z"
    assert later.pop("id") > 2**37
    assert later == {
        "reminder_id": later["reminder_id"],
        "medicine_id": later["medicine_id"],
        "medicine_name": "Metformin",
        "planned_on": "2026-03-03",
        "scheduled_time": "2026-03-03T20:00:00",
        "time_zone": "Europe/Riga",
        "due_at": "2026-03-03T18:00:00Z",
        "closes_at": "2026-03-03T22:00:00Z",
        "amount": 1,
        "unit": "tablet",
        "dosage": "1 tablet",
        "adjusted": None,
        "status": "scheduled",
        "revision": 0,
        "reminded_at": None,
        "taken_at": None,
        "recorded_at": None,
        "recorded_by": None,
        "source": None,
        "reason": None,
        "notes": None,
    }


def test_an_early_answer_silences_the_reminder(clock: StandingClock, course: Caller) -> None:
    evening = course.get("/doses?status=scheduled")["items"][0]["id"]
    assert course.post(f"/doses/{evening}/take")["status"] == "taken"
    clock.stand("2026-03-03T20:00:00+02:00")
    clock.tick()

    assert len(course.afresh().get("/notifications")["items"]) == 1


def test_undoing_gives_back_exactly_what_was_taken(course: Caller) -> None:
    [medicine] = course.get("/medicines")["items"]
    due = course.get("/doses")["items"][0]["id"]
    for _ in range(2):
        course.post(f"/doses/{due}/take")
        undone = course.post(f"/doses/{due}/undo")

    assert (undone["status"], undone["taken_at"], undone["revision"]) == ("due", None, 4)
    assert course.get(f"/medicines/{medicine['id']}")["current_stock"] == 30
    changes = [entry["change_amount"] for entry in course.get("/medicines/inventory-history")["items"]]
    assert changes == [1, -1, 1, -1, 30]
    assert course.post(f"/doses/{due}/undo") == undone


def test_a_strangers_doses_are_not_there(course: Caller, bob: Caller) -> None:
    due = course.get("/doses")["items"][0]["id"]

    assert bob.get("/doses")["items"] == []
    assert bob.refused(404, "GET", f"/doses/{due}") == bob.refused(404, "GET", "/doses/1")
