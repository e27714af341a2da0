"""The same request again over HTTP: one effect, and the first answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock

MEDICINE = {"name": "Aspirin", "form": "tablet", "dosage": "100 mg", "unit": "tablets", "current_stock": 2.5}
KEY = {"Idempotency-Key": "c8a3 4e1f"}


@pytest.fixture
def ada(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada


def twenty_times(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(work, range(20)))


def test_the_same_key_twenty_times_at_once_has_one_effect_and_one_answer(ada: Caller) -> None:
    answers = twenty_times(lambda _: ada.call("POST", "/medicines", json=MEDICINE, headers=KEY))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert ada.get("/medicines")["total"] == 1
    assert ada.get(f"/medicines/{answers[0].json()['id']}") == answers[0].json()


def test_an_adjustment_under_one_key_counts_once(ada: Caller) -> None:
    path = f"/medicines/{ada.add_medicine(current_stock=6)}/adjust-stock?adjustment=10"

    answers = twenty_times(lambda _: ada.post(path, headers=KEY))

    assert [answer["current_stock"] for answer in answers] == [16] * 20
    assert ada.get("/medicines/inventory-history", params={"change_type": "added"})["total"] == 2


@pytest.mark.parametrize("path", ["/medicines", "/reminders", "/prescriptions"])
def test_the_same_key_with_another_body_is_refused(ada: Caller, path: str) -> None:
    line = {"medicine_name": "Aspirin", "dosage": "100 mg", "frequency": "Daily"}
    said: dict[str, Any] = {
        "/medicines": MEDICINE,
        "/reminders": {"medicine_id": ada.add_medicine(), "reminder_time": "20:00"},
        "/prescriptions": {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03", "medicines": [line]},
    }[path]
    ada.post(path, said, headers=KEY)

    problem = ada.refused(422, "POST", path, said | {"notes": "with food"}, headers=KEY)
    assert problem["detail"] == "This idempotency key was used for another request."
    assert problem == ada.refused(422, "POST", path, said | {"notes": None}, headers=KEY)


def test_a_key_is_its_persons_own_and_belongs_to_one_kind_of_request(ada: Caller, bob: Caller) -> None:
    first = ada.post("/medicines", MEDICINE, headers=KEY)
    theirs = bob.post("/medicines", MEDICINE, headers=KEY)
    ada.post("/reminders", {"medicine_id": first["id"], "reminder_time": "20:00"}, headers=KEY)

    assert theirs["id"] != first["id"]
    assert ada.post("/medicines", MEDICINE, headers=KEY) == first
    assert (ada.get("/medicines")["total"], bob.get("/medicines")["total"]) == (1, 1)


def test_what_was_refused_is_not_kept(ada: Caller) -> None:
    taken = ada.add_medicine("Aspirin")
    for _ in range(2):
        ada.refused(409, "POST", "/medicines", MEDICINE, headers=KEY)
    ada.delete(f"/medicines/{taken}")

    ada.post("/medicines", MEDICINE, headers=KEY)
    assert ada.get("/medicines")["total"] == 1


def test_a_key_stands_longer_than_a_double_click(clock: StandingClock, ada: Caller) -> None:
    reminder = {"medicine_id": ada.add_medicine(), "reminder_time": "20:00"}
    first = ada.post("/reminders", reminder, headers=KEY)
    clock.move(days=1)

    assert ada.afresh().post("/reminders", reminder, headers=KEY) == first


def test_a_key_that_is_none_is_refused_in_words(ada: Caller) -> None:
    for key in ("", "x" * 201):
        problem = ada.refused(422, "POST", "/medicines", MEDICINE, headers={"Idempotency-Key": key})
        assert problem["detail"] == "An Idempotency-Key is 1 to 200 printable characters."
    ada.post("/medicines", MEDICINE, headers={"Idempotency-Key": "x" * 200})


# --- without a key --------------------------------------------------------------------------------------------------


def test_a_double_click_on_a_reminder_makes_one(clock: StandingClock, ada: Caller) -> None:
    reminder = {"medicine_id": ada.add_medicine(), "reminder_time": "08:00", "dosage_amount": "1"}

    answers = twenty_times(lambda _: ada.post("/reminders", reminder))
    clock.move(seconds=5)
    again = ada.post("/reminders", reminder)

    assert all(answer == answers[0] for answer in [*answers, again])
    assert (ada.get("/reminders")["total"], ada.get("/notifications")["total"]) == (1, 1)


def test_the_same_reminder_is_meant_again_after_five_seconds_or_if_it_says_anything_else(
    clock: StandingClock, ada: Caller
) -> None:
    reminder = {"medicine_id": ada.add_medicine(), "reminder_time": "20:00"}
    made = [ada.post("/reminders", reminder)["id"], ada.post("/reminders", reminder | {"notes": "x"})["id"]]
    clock.move(seconds=5.001)
    made.append(ada.post("/reminders", reminder)["id"])

    assert len(set(made)) == 3


def test_a_double_click_of_somebody_else_is_their_own(ada: Caller, bob: Caller) -> None:
    said = {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03"}
    said["medicines"] = [{"medicine_name": "Aspirin", "dosage": "100 mg", "frequency": "Daily"}]  # type: ignore[assignment]

    assert ada.post("/prescriptions", said)["id"] != bob.post("/prescriptions", said)["id"]


def test_what_was_deleted_can_be_made_again_at_once(ada: Caller) -> None:
    reminder = {"medicine_id": ada.add_medicine(), "reminder_time": "20:00"}
    first = ada.post("/reminders", reminder)["id"]
    ada.delete(f"/reminders/{first}")

    second = ada.post("/reminders", reminder)["id"]

    assert second != first
    ada.get(f"/reminders/{second}")


def test_two_medicines_of_one_name_are_no_double_click(ada: Caller) -> None:
    ada.post("/medicines", MEDICINE)

    assert ada.refused(409, "POST", "/medicines", MEDICINE)["code"] == "medicine_name_taken"
