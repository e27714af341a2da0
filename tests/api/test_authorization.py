"""Every route there is, and whom it refuses. A route that is not in the table below fails the first test."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.callers import Caller, problem_of
from tests.support.standing import StandingClock

LINE = {"medicine_name": "Aspirin", "dosage": "100 mg", "frequency": "Daily"}
PRESCRIPTION = {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03", "medicines": [LINE]}
MEDICINE = {"name": "Aspirin", "form": "tablet", "dosage": "100 mg", "unit": "tablets"}
FROM_PRESCRIPTION = "/medicines/from-prescription?prescription_medicine_id={prescription_medicine_id}"

# for whom nobody has to be signed in
OPEN = {
    "POST /auth/register",
    "POST /auth/login",
    "POST /auth/refresh",
    "POST /auth/logout",
    "GET /health",
    "GET /health/ready",
    "GET /metrics",
}
# about oneself: what is sent that would be understood
ONES_OWN: dict[str, Any] = {
    "GET /auth/me": None,
    "PUT /auth/me": {"first_name": "Eve"},
    "PATCH /auth/me": {"first_name": "Eve"},
    "GET /users/me": None,
    "PUT /users/me": {"first_name": "Eve"},
    "PATCH /users/me": {"first_name": "Eve"},
    "GET /medicines": None,
    "POST /medicines": MEDICINE,
    "GET /medicines/low-stock": None,
    "GET /medicines/for-prescription": None,
    "GET /medicines/missing-from-inventory": None,
    "GET /medicines/inventory-history": None,
    "GET /reminders": None,
    "GET /reminders/today-with-status": None,
    "GET /reminders/history": None,
    "GET /doses": None,
    "GET /notifications": None,
    "GET /notifications/counts": None,
    "PUT /notifications/read-all": None,
    "DELETE /notifications": None,
    "POST /notifications/stream/ticket": None,
    "GET /notifications/stream": None,
    "GET /prescriptions": None,
    "POST /prescriptions": PRESCRIPTION,
}
# about something that has a number, in the path, the query or the body
NUMBERED: dict[str, Any] = {
    f"POST {FROM_PRESCRIPTION}": MEDICINE,
    "GET /medicines/{medicine_id}": None,
    "PUT /medicines/{medicine_id}": MEDICINE,
    "PATCH /medicines/{medicine_id}": {"notes": "mine"},
    "DELETE /medicines/{medicine_id}": None,
    "POST /medicines/{medicine_id}/adjust-stock": {"adjustment": 1},
    "POST /reminders": {"medicine_id": "{medicine_id}", "reminder_time": "20:00"},
    "GET /reminders/{reminder_id}": None,
    "PUT /reminders/{reminder_id}": {"reminder_time": "20:00"},
    "PATCH /reminders/{reminder_id}": {"notes": "mine"},
    "DELETE /reminders/{reminder_id}": None,
    "POST /reminders/{reminder_id}/take": {},
    "POST /reminders/{reminder_id}/skip": {},
    "POST /reminders/{reminder_id}/snooze": {},
    "POST /reminders/{reminder_id}/undo": None,
    "POST /reminders/{reminder_id}/log": {"status": "taken"},
    "GET /doses/{dose_id}": None,
    "POST /doses/{dose_id}/take": {},
    "POST /doses/{dose_id}/skip": {},
    "POST /doses/{dose_id}/snooze": {},
    "POST /doses/{dose_id}/undo": None,
    "GET /notifications/{notification_id}": None,
    "PUT /notifications/{notification_id}/read": None,
    "PUT /notifications/{notification_id}/taken": None,
    "PUT /notifications/{notification_id}/skipped": None,
    "DELETE /notifications/{notification_id}": None,
    "GET /prescriptions/{prescription_id}": None,
    "PUT /prescriptions/{prescription_id}": PRESCRIPTION,
    "PATCH /prescriptions/{prescription_id}": {"notes": "mine"},
    "DELETE /prescriptions/{prescription_id}": None,
}
LISTS = [route for route in ONES_OWN if route.startswith("GET") and not route.endswith("stream")]
NOBODYS = 999_999


def routes_of_the_app() -> Iterator[str]:
    from api import health
    from api.main import NOUNS  # reads the environment, which is this worker's once `app` is there

    for router in (*NOUNS, health.router):
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield from (f"{method} {route.path}" for method in route.methods)


def call(caller: Caller, route: str, said: Any, numbers: dict[str, int] | None = None, **more: Any) -> Any:
    """This route with these numbers in their places."""
    method, path = route.split(" ")
    if isinstance(said, dict):
        said = {key: (numbers or {}).get(str(value).strip("{}"), value) for key, value in said.items()}
    return caller.call(method, path.format(**(numbers or {})), **({"json": said} if said is not None else {}), **more)


def everything(caller: Caller) -> dict[str, Any]:
    return {route: call(caller, route, None).json() for route in LISTS}


@pytest.fixture
def ada(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada


@pytest.fixture
def numbers(ada: Caller) -> dict[str, int]:
    """Ada has one of everything, and has taken a dose of another reminder."""
    medicine = ada.add_medicine("Metformin", current_stock=6, min_stock_alert=6)
    ada.post(f"/reminders/{ada.remind(medicine, '07:59')}/take")
    reminder = ada.remind(medicine, "08:00")
    prescription = ada.post("/prescriptions", PRESCRIPTION)
    return {
        "medicine_id": medicine,
        "reminder_id": reminder,
        "dose_id": ada.get("/doses?status=due")["items"][0]["id"],
        "notification_id": ada.get("/notifications")["items"][0]["id"],
        "prescription_id": prescription["id"],
        "prescription_medicine_id": prescription["prescription_medicines"][0]["id"],
    }


@pytest.mark.usefixtures("app")
def test_the_table_is_complete() -> None:
    known = {route.partition("?")[0] for route in (*OPEN, *ONES_OWN, *NUMBERED)}

    assert set(routes_of_the_app()) == known


def test_who_is_not_signed_in_gets_nowhere(anybody: Caller, numbers: dict[str, int]) -> None:
    for route, said in (ONES_OWN | NUMBERED).items():
        answer = call(anybody, route, said, numbers)
        assert (route, answer.status_code) == (route, 401)
        assert problem_of(answer, 401)["detail"] == "Please sign in."
        assert answer.headers["www-authenticate"] == "Bearer"


def test_who_has_signed_out_gets_nowhere(ada: Caller, numbers: dict[str, int]) -> None:
    ada.post("/auth/logout")
    for route, said in (ONES_OWN | NUMBERED).items():
        answer = call(ada, route, said, numbers)
        assert (route, answer.status_code) == (route, 401)
        assert problem_of(answer, 401)["code"] == "session_over"


def test_what_is_somebody_elses_looks_as_if_it_were_not_there(
    ada: Caller, bob: Caller, numbers: dict[str, int]
) -> None:
    before = everything(ada)
    nobodys = dict.fromkeys(numbers, NOBODYS) | {"dose_id": numbers["dose_id"] + NOBODYS}
    for route, said in NUMBERED.items():
        theirs, missing = call(bob, route, said, numbers), call(bob, route, said, nobodys)
        assert (route, theirs.status_code) == (route, 404)
        assert (route, theirs.content) == (route, missing.content)

    assert everything(ada) == before
    assert [each for each in everything(bob).values() if isinstance(each, list) and each] == []


def test_a_dose_whose_row_was_dropped_is_somebody_elses_still(
    ada: Caller, bob: Caller, numbers: dict[str, int], committed: sessionmaker[Session]
) -> None:
    """Long closed, it is known from its outcome alone."""
    dose = numbers["dose_id"]
    ada.post(f"/doses/{dose}/take")
    with committed.begin() as session:
        session.execute(text("DELETE FROM doses"))

    for method, path in (("GET", ""), ("POST", "/take"), ("POST", "/skip"), ("POST", "/undo"), ("POST", "/snooze")):
        theirs = bob.refused(404, method, f"/doses/{dose}{path}")
        assert theirs == bob.refused(404, method, f"/doses/{dose + NOBODYS}{path}")
    assert ada.get(f"/doses/{dose}")["status"] == "taken"
    assert [caller.get("/doses?status=taken")["total"] for caller in (ada, bob)] == [2, 0]


def test_lists_hold_what_is_ones_own(ada: Caller, bob: Caller, numbers: dict[str, int]) -> None:
    mine, theirs = everything(ada), everything(bob)

    for route in LISTS:
        assert ("Metformin" in str(theirs[route]), "Kalns" in str(theirs[route])) == (False, False)
        if route not in ("GET /auth/me", "GET /users/me"):
            assert mine[route] != theirs[route]
    before = mine["GET /notifications"]
    assert call(bob, "DELETE /notifications", None).json() == {"changed": 0}
    assert ada.get("/notifications") == before


def test_nobody_asks_about_a_stranger(ada: Caller, bob: Caller, numbers: dict[str, int]) -> None:
    before = everything(ada)
    of_ada, of_nobody = ({"Pillio-Person": str(number)} for number in (ada.get("/auth/me")["id"], NOBODYS))
    for route, said in (ONES_OWN | NUMBERED).items():
        strange = call(bob, route, said, numbers, headers=of_ada)
        assert (route, strange.status_code) == (route, 404)
        assert strange.content == call(bob, route, said, numbers, headers=of_nobody).content
        assert problem_of(strange, 404)["code"] == "person_not_found"

    assert everything(ada) == before


def test_asking_about_oneself_by_number_is_asking_about_oneself(ada: Caller, numbers: dict[str, int]) -> None:
    oneself = {"Pillio-Person": str(ada.get("/auth/me")["id"])}
    for route in LISTS:
        assert call(ada, route, None, headers=oneself).json() == call(ada, route, None).json()


def test_what_is_no_number_of_a_person_is_refused_in_words(ada: Caller) -> None:
    for written in ("", "ada", "-1", "1.0", "1e3", "0x1", "9" * 19):
        problem = ada.refused(422, "GET", "/medicines", headers={"Pillio-Person": written})
        assert problem["detail"] == "The Pillio-Person header is the number of a person."
    ada.refused(404, "GET", "/medicines", headers={"Pillio-Person": "0"})


def test_a_body_never_says_whose_it_is(ada: Caller, bob: Caller, numbers: dict[str, int]) -> None:
    before, theirs = everything(ada), everything(bob)
    for route, said in (ONES_OWN | NUMBERED).items():
        if isinstance(said, dict):
            for more in ({"user_id": 2}, {"id": 1}, {"is_superuser": True}, {"shard": 1}, {"deleted_at": None}):
                answer = call(ada, route, said | more, numbers)
                assert (route, more, answer.status_code) == (route, more, 422)
                assert "not known here" in problem_of(answer, 422)["detail"]

    assert everything(ada) == before
    assert everything(bob) == theirs
    line = LINE | {"user_id": bob.get("/auth/me")["id"], "prescription_id": 1, "position": 9}
    ada.post("/prescriptions", PRESCRIPTION | {"doctor_name": "Dr. Ozols", "medicines": [line]})
    assert everything(bob) == theirs
