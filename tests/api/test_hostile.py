"""What nobody should send, over HTTP: always an answer, never a 5xx, and nothing of it comes back."""

import json
import random
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.callers import Caller, problem_of
from tests.support.openapi import HOSTILE, Filler, Operation, fields_of, hostile, operations
from tests.support.standing import StandingClock
from tests.support.wire import ask

JSON = {"Content-Type": "application/json"}
MEDICINE = {"name": "Aspirin", "form": "tablet", "dosage": "100 mg", "unit": "tablets"}
LINE = {"medicine_name": "Aspirin", "dosage": "100 mg", "frequency": "Daily"}
PRESCRIPTION = {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03", "medicines": [LINE]}
CANARY = "yellow-bird"


@pytest.fixture
def numbers(clock: StandingClock, ada: Caller) -> dict[str, int]:
    """It is 08:00 in Riga on Tuesday 3 March 2026, and Ada has one of everything."""
    medicine = ada.add_medicine(current_stock=6, min_stock_alert=6)
    prescription = ada.post("/prescriptions", PRESCRIPTION)
    return {
        "medicine_id": medicine,
        "reminder_id": ada.remind(medicine, "08:00"),
        "dose_id": ada.get("/doses")["items"][0]["id"],
        "notification_id": ada.get("/notifications")["items"][0]["id"],
        "prescription_id": prescription["id"],
        "prescription_medicine_id": prescription["prescription_medicines"][0]["id"],
    }


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


def sendable(value: Any) -> str:
    """As much of it as can be part of an address."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()[:2000]


def answered(answer: httpx.Response) -> httpx.Response:
    """Somehow, and in the usual words where it was refused."""
    if not answer.is_success:
        problem_of(answer, answer.status_code)
        assert answer.status_code < 500
    return answer


def good(operation: Operation, numbers: dict[str, int]) -> dict[str, Any]:
    """A body that this operation understands, to put one wrong thing into."""
    known: dict[str, dict[str, Any]] = {
        "/auth/register": {"email": "eve@example.com", "password": "lighthouse keeper's cat"},
        "/auth/login": {"email": "eve@example.com", "password": "x"},
        "/auth/refresh": {"refresh_token": "x"},
        "/medicines": MEDICINE,
        "/medicines/from-prescription": MEDICINE,
        "/reminders": {"medicine_id": numbers["medicine_id"], "reminder_time": "20:00"},
        "/reminders/{reminder_id}": {"reminder_time": "20:00"},
        "/reminders/{reminder_id}/log": {"status": "skipped"},
        "/prescriptions": PRESCRIPTION,
    }
    return known.get(operation.path, {})


# --- bodies ---------------------------------------------------------------------------------------------------------


def test_no_value_in_any_field_breaks_anything(app: FastAPI, ada: Caller, numbers: dict[str, int]) -> None:
    """Each field gets its share of what is hostile, in a body that is otherwise good: rules beyond it are met too."""
    document, nth = app.openapi(), count()
    query = {"prescription_medicine_id": numbers["prescription_medicine_id"]}
    for operation in operations(document):
        path = operation.path.format(**numbers)
        shares = 20 if path == "/auth/register" else 7  # which takes its time, on purpose
        for name in fields_of(document, operation.body or {}):
            for value in hostile(next(nth), of=shares):
                body = raw(good(operation, numbers) | {name: value})
                answered(ada.call(operation.method, path, content=body, headers=JSON, params=query))


def test_no_value_anywhere_in_an_address_breaks_anything(app: FastAPI, ada: Caller, numbers: dict[str, int]) -> None:
    nth = count()
    for operation in operations(app.openapi()):
        if operation.method != "GET":
            continue
        for name in operation.named("query"):
            for text in map(sendable, hostile(next(nth), of=4)):
                answered(ada.call("GET", operation.path.format(**numbers), params={name: text}))
        for name in operation.named("path"):
            for text in filter(None, map(sendable, HOSTILE)):
                path = operation.path.format(**numbers | {name: quote(text, safe="")})
                assert answered(ada.call("GET", path)).status_code in (404, 422)


# what is sent as a body, none of it an object that anything is made of
TEXTS = (
    b"", b" ", b"null", b"true", b"5", b'"x"', b"[]", b"[{}]", b"{", b"{}}", b'{"name"', b"{'name': 1}", b"nul",
    b"\xff\xfe", b"\xef\xbb\xbf{}", b"\x00", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 30_000 + b"1" + b"}" * 30_000, b'{"name":"' + b"\\ud800" * 1000 + b'"}', b'{"\\ud800": 1}',
    b'{"name": NaN}', b'{"name": -Infinity}', b'{"name": 1e999}', b'{"name": ' + b"9" * 5000 + b"}",
    b'{"name": 0.' + b"0" * 5000 + b"1}", b'{"name": 1E' + b"9" * 50 + b"}", b"{" + b'"x":1,' * 30_000 + b'"y":1}',
)  # fmt: skip


def test_no_text_for_a_body_breaks_anything(anybody: Caller) -> None:
    """Nobody has to be signed in to send these."""
    for text in TEXTS:
        for path in ("/auth/login", "/auth/register", "/auth/refresh"):
            answer = anybody.call("POST", path, content=text, headers=JSON)
            assert problem_of(answer, answer.status_code)["status"] in (400, 422)


def test_numbers_that_are_none_are_refused(ada: Caller) -> None:
    for written in ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"NaN"', '"Infinity"', '"0x10"', "true", "[1]"):
        body = f'{{"name":"A","form":"f","dosage":"d","unit":"u","current_stock":{written}}}'
        answer = ada.call("POST", "/medicines", content=body, headers=JSON)
        assert problem_of(answer, 422)["detail"].startswith("Current stock must be")
    for written in ("9" * 4000, "1" + "0" * 30, "1e300"):
        body = f'{{"name":"A","form":"f","dosage":"d","unit":"u","current_stock":{written}}}'
        answer = ada.call("POST", "/medicines", content=body, headers=JSON)
        assert problem_of(answer, 422)["detail"] == "Current stock must be at most 999999999.999."


def test_of_a_field_that_is_there_twice_the_last_counts(ada: Caller) -> None:
    body = '{"name":"First","form":"f","dosage":"d","unit":"u","name":"Last"}'
    assert ada.call("POST", "/medicines", content=body, headers=JSON).json()["name"] == "Last"


# --- addresses and pages --------------------------------------------------------------------------------------------


def test_pages_have_bounds(app: FastAPI, ada: Caller) -> None:
    paged = [each.path for each in operations(app.openapi()) if "per_page" in each.named("query")]
    assert len(paged) == 7
    for path in paged:
        for query in (
            "page=0",
            "page=-1",
            "page=100001",
            "page=9223372036854775808",
            "per_page=0",
            "per_page=101",
            "page=",
        ):
            ada.refused(422, "GET", f"{path}?{query}")
        last = ada.get(f"{path}?page=100000&per_page=100")
        assert (last["items"], last["page"], last["per_page"]) == ([], 100_000, 100)
        assert ada.get(f"{path}?page=2&page=1")["page"] == 1


def test_numbers_in_addresses_have_bounds(ada: Caller) -> None:
    for noun in ("medicines", "reminders", "notifications", "prescriptions", "doses"):
        for number in ("0", "-1", str(2**63), str(2**64), "1e400", "1.5", "0x1", "true", "null", "9" * 5000, "%D9%A1"):
            ada.refused(422, "GET", f"/{noun}/{number}")
        ada.refused(404, "GET", f"/{noun}/{2**53 - 1}")
        ada.refused(422 if noun == "doses" else 404, "GET", f"/{noun}/{2**63 - 1}")


def test_days_have_bounds(ada: Caller) -> None:
    for path, name in (
        ("/reminders/history", "start_date"),
        ("/medicines/inventory-history", "end_date"),
        ("/doses", "start"),
    ):
        for day in ("0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"):
            assert ada.refused(422, "GET", f"{path}?{name}={day}")["detail"].endswith(
                "must be a date from 1900 to 2200."
            )
        for day in ("0", "1772517600", "2026-3-3", "20260303", "2026-02-30", "2026-03-03T08:00", "today", "2026-W10-2"):
            assert ada.refused(422, "GET", f"{path}?{name}={day}")["detail"].endswith(
                "must be a date such as 2026-11-24."
            )
        for day in ("1900-01-01", "2200-12-31"):
            ada.get(f"{path}?{name}={day}")
    ada.get("/reminders/history?start_date=1900-01-01&end_date=2200-12-31&page=100000")
    ada.get("/medicines/inventory-history?start_date=1900-01-01&end_date=2200-12-31&page=100000")


def test_a_reminder_at_the_ends_of_the_calendar_is_a_reminder(anybody: Caller) -> None:
    for name, zone in (("tui", "Pacific/Kiritimati"), ("moana", "Pacific/Pago_Pago")):
        them = anybody.join(name, time_zone=zone)
        medicine = them.add_medicine()
        for start, end in (
            ("1900-01-01", None),
            ("1900-01-01", "1900-01-01"),
            ("2200-12-31", None),
            ("2200-12-31", "2200-12-31"),
        ):
            said = {"medicine_id": medicine, "reminder_time": "23:59:59", "start_date": start, "end_date": end}
            reminder = them.post("/reminders", said | {"frequency": "interval", "interval_days": 365})
            assert them.get(f"/reminders/{reminder['id']}") == reminder
        them.get("/reminders/today-with-status")


# --- nothing comes back ---------------------------------------------------------------------------------------------


def silent(answer: httpx.Response) -> None:
    assert answer.status_code >= 400
    said = answer.text + "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    assert "yellow" not in said.lower(), f"{answer.request.method} {answer.request.url}: {said}"
    answered(answer)


def test_nothing_that_was_refused_comes_back(app: FastAPI, ada: Caller, numbers: dict[str, int]) -> None:
    document = app.openapi()
    for operation in operations(document):
        path = operation.path.format(**numbers)
        for name in operation.named("path"):
            silent(ada.call(operation.method, operation.path.format(**numbers | {name: CANARY}), json={}))
        for name in operation.named("query"):
            silent(ada.call(operation.method, path, params={name: CANARY * 500}, json={}))
        for name in (CANARY, "yellow_bird", "Yellow"):
            if operation.body:
                silent(ada.call(operation.method, path, json=good(operation, numbers) | {name: 1}))
        for name in fields_of(document, operation.body or {}):
            for value in (CANARY * 500, [CANARY], {CANARY: CANARY}, [{CANARY: CANARY}]):
                silent(ada.call(operation.method, path, json=good(operation, numbers) | {name: value}))


def test_nothing_of_a_refused_header_comes_back(base_url: str, ada: Caller) -> None:
    assert ada.tokens
    token = b"Bearer " + ada.tokens["access_token"].encode()
    for name in (
        b"Authorization",
        b"Pillio-Person",
        b"Idempotency-Key",
        b"Content-Type",
        b"Origin",
        b"X-Request-ID",
        b"Cookie",
        b"Accept",
    ):
        headers = {b"Authorization": token, b"Content-Type": b"application/json", name: b"yellow-bird \xff"}
        answer = ask(base_url, b"POST", b"/api/v1/medicines", headers, b"{}")
        assert (name, 400 <= answer.status < 500) == (name, True)
        assert b"yellow" not in answer.body + b"".join(answer.headers.values())
    for target in (b"/yellow-bird", b"/api/v1/yellow-bird/", b"/api/v1/medicines/yellow-bird?yellow=bird"):
        answer = ask(base_url, b"YELLOW" if target == b"/yellow-bird" else b"GET", target, {b"Authorization": token})
        assert 400 <= answer.status < 500
        assert b"yellow" not in answer.body.lower() + b"".join(answer.headers.values()).lower()


def test_nothing_of_what_a_rule_refused_comes_back(anybody: Caller, ada: Caller, numbers: dict[str, int]) -> None:
    ada.add_medicine(CANARY)
    account = {"email": "eve@example.com", "password": "lighthouse keeper's cat"}
    reminder = {"medicine_id": numbers["medicine_id"], "reminder_time": "20:00"}
    anybody.join("yellow")
    for method, path, said in (
        ("POST", "/auth/register", account | {"email": CANARY}),
        ("POST", "/auth/register", account | {"email": "yellow@example.com"}),
        ("POST", "/auth/register", account | {"password": "yellow1"}),
        ("POST", "/auth/register", account | {"password": "yellow12", "first_name": "yellow12"}),
        ("POST", "/auth/register", account | {"time_zone": "Yellow/Bird"}),
        ("POST", "/auth/login", {"email": "yellow@example.com", "password": CANARY}),
        ("POST", "/auth/refresh", {"refresh_token": CANARY}),
        ("PATCH", "/auth/me", {"time_zone": "Yellow/Bird"}),
        ("POST", "/medicines", MEDICINE | {"name": CANARY}),
        ("PATCH", f"/medicines/{numbers['medicine_id']}", {"name": CANARY}),
        ("POST", f"/medicines/{numbers['medicine_id']}/adjust-stock", {"adjustment": -9, "reason": CANARY}),
        ("POST", "/reminders", reminder | {"dosage_amount": CANARY}),
        ("POST", "/reminders", reminder | {"dosage_unit": CANARY, "frequency": "specific_days"}),
        ("POST", "/prescriptions", PRESCRIPTION | {"doctor_name": CANARY, "medicines": []}),
        ("POST", f"/doses/{numbers['dose_id'] + 9}/skip", {"reason": CANARY, "notes": CANARY}),
    ):
        silent(ada.call(method, path, json=said))


# --- at random ------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_whatever_comes_there_is_an_answer(app: FastAPI, ada: Caller, numbers: dict[str, int], seed: int) -> None:
    """Ten requests at random, most of them nearly right, against the document of this very application."""
    document, chance = app.openapi(), random.Random(seed)
    known = {name: [number] for name, number in numbers.items()}
    filler = Filler(document, chance, known, hostility=chance.choice((0.0, 0.05, 0.3)))
    candidates = [each for each in operations(document) if not each.path.startswith(("/auth/re", "/auth/logout"))]
    for operation in chance.choices(candidates, k=10):
        answered(send_at_random(ada, operation, filler))


def send_at_random(caller: Caller, operation: Operation, filler: Filler) -> httpx.Response:
    path, query = operation.path, {}
    for each in operation.parameters:
        text = sendable(filler.value(each["schema"], each["name"]))
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", quote(text, safe="") or "0")
        elif each["in"] == "query" and (each.get("required") or filler.random.random() < 0.5):
            query[each["name"]] = text
    if operation.body is None:
        return caller.call(operation.method, path, params=query)
    body = raw(filler.value(operation.body))[:200_000]
    return caller.call(operation.method, path, params=query, content=body, headers=JSON)
