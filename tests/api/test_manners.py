"""How every answer behaves over HTTP: what went well, what was refused, and what broke."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from api import database, manners, medicines
from engine.settings import Settings
from ops.ports import free_port
from tests.support.callers import Caller, problem_of, stranger
from tests.support.serving import serving

CLIENT = "http://localhost:8080"  # where the React app is served
ORIGIN = {"Origin": CLIENT}
JSON = {"Content-Type": "application/json"}
MEBIBYTE = b" " * 1024 * 1024
MEDICINE = {"name": "Aspirin", "form": "tablet", "dosage": "100 mg", "unit": "tablets"}


def mannered(answer: httpx.Response) -> httpx.Response:
    """Kept out of caches, taken for nothing else, readable by the client, and found again in the logs."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["access-control-allow-origin"] == CLIENT
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "traceback" not in answer.text.lower()
    return answer


def in_chunks(size: int) -> Iterator[bytes]:
    """Of unknown length until it is all there."""
    for _ in range(0, size, 65536):
        yield b" " * 65536


# --- refusals -------------------------------------------------------------------------------------------------------


def test_every_refusal_is_a_problem_that_the_client_may_read(ada: Caller) -> None:
    refusals: list[tuple[int, str, str, dict[str, Any]]] = [
        (401, "GET", "/medicines", {"headers": {"Authorization": "Bearer nonsense"}}),
        (404, "GET", "/nothing", {}),
        (404, "GET", "/medicines/999999", {}),
        (404, "GET", "/medicines", {"headers": {"Pillio-Person": "999999"}}),
        (405, "PATCH", "/medicines", {}),
        (413, "POST", "/medicines", {"content": MEBIBYTE, "headers": JSON}),
        (413, "POST", "/medicines", {"content": in_chunks(2**20), "headers": JSON}),
        (415, "POST", "/medicines", {"content": b"name=Aspirin", "headers": {"Content-Type": "text/plain"}}),
        (422, "POST", "/medicines", {"content": b"{", "headers": JSON}),
        (422, "POST", "/medicines", {"json": {}}),
        (422, "GET", "/medicines/aspirin", {}),
    ]
    for status, method, path, more in refusals:
        answer = mannered(ada.call(method, path, headers=ORIGIN | more.pop("headers", {}), **more))
        problem = problem_of(answer, status)
        assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "code"}
        assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_method_that_an_address_does_not_understand_is_told_the_ones_it_does(ada: Caller) -> None:
    allowed = {
        "/medicines": "GET, POST",
        "/medicines/5": "DELETE, GET, PATCH, PUT",
        "/auth/me": "GET, PATCH, PUT",
        "/auth/login": "POST",
        "/notifications/": "DELETE, GET",
    }
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - set(methods.split(", ")):
            answer = ada.call(method, path)
            assert (method, path, answer.status_code) == (method, path, 405)
            assert answer.headers["allow"] == methods


@pytest.mark.parametrize("size", [256 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_that_is_too_large_is_refused_however_it_comes(ada: Caller, size: int) -> None:
    for path in ("/medicines", "/auth/login", "/reminders/1/take"):
        for body in (b" " * size, in_chunks(size + 65536)):
            problem_of(ada.call("POST", path, content=body, headers=JSON), 413)
    assert ada.get("/medicines")["total"] == 0


def test_a_body_as_large_as_is_allowed_is_read(ada: Caller) -> None:
    padded = b'{"name":"Aspirin","form":"tablet","dosage":"100 mg","unit":"tablets"'
    body = padded + b" " * (256 * 1024 - len(padded) - 1) + b"}"

    assert ada.call("POST", "/medicines", content=body, headers=JSON).status_code == 201
    problem_of(ada.call("POST", "/medicines", content=body + b" ", headers=JSON), 413)


def test_what_is_not_said_to_be_json_is_not_taken_for_it(ada: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""):
        answer = ada.call("POST", "/medicines", content=b'{"name":"Aspirin"}', headers={"Content-Type": kind})
        assert problem_of(answer, 415)["detail"] == "Please send JSON, and say so: Content-Type: application/json."
    for number, kind in enumerate(
        ("application/json", "APPLICATION/JSON; charset=utf-8", "application/merge-patch+json")
    ):
        said = f'{{"name":"{number}","form":"tablet","dosage":"1","unit":"tablets"}}'
        assert ada.call("POST", "/medicines", content=said, headers={"Content-Type": kind}).status_code == 201


# --- what went well -------------------------------------------------------------------------------------------------


def test_what_went_well_is_as_mannered(ada: Caller) -> None:
    for method, path in (("GET", "/medicines"), ("PUT", "/notifications/read-all"), ("GET", "/auth/me")):
        assert mannered(ada.call(method, path, headers=ORIGIN)).headers["content-type"] == "application/json"
    mannered(ada.call("DELETE", f"/medicines/{ada.add_medicine()}", headers=ORIGIN))
    mannered(ada.http.get("/health", headers=ORIGIN))


def test_every_answer_has_a_number_of_its_own(ada: Caller) -> None:
    chosen = {"X-Request-ID": "chosen by the caller"}
    numbers = {ada.call("GET", "/auth/me", headers=chosen).headers["x-request-id"] for _ in range(10)}

    assert len(numbers) == 10
    assert "chosen by the caller" not in numbers


def test_a_trailing_slash_is_no_other_address_and_no_redirect(ada: Caller) -> None:
    for path in ("/medicines", "/reminders", "/prescriptions", "/notifications", "/auth/me", "/doses"):
        for written in (path, f"{path}/", f"{path}//", f"{path}/?page=1"):
            assert ada.call("GET", written).status_code == 200


def test_a_trailing_slash_keeps_a_post_a_post(ada: Caller) -> None:
    assert ada.call("POST", "/medicines/", json=MEDICINE).status_code == 201
    assert ada.http.get("/health/").status_code == ada.http.get("/health").status_code == 200


# --- other origins --------------------------------------------------------------------------------------------------


def test_the_client_may_ask_beforehand(anybody: Caller) -> None:
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}
    for path in ("/medicines", "/medicines/5", "/auth/login", "/notifications/stream", "/nothing"):
        answer = anybody.call("OPTIONS", path, headers=ORIGIN | asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == CLIENT
        assert "PUT" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"] == "authorization,content-type"


def test_a_page_from_elsewhere_may_not(ada: Caller) -> None:
    elsewhere = {"Origin": "https://example.org"}
    asked = ada.call("OPTIONS", "/medicines", headers=elsewhere | {"Access-Control-Request-Method": "GET"})
    assert problem_of(asked, 400)["code"] == "bad_request"
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in ada.call("GET", "/medicines", headers=elsewhere).headers
    assert "access-control-allow-origin" not in ada.call("GET", "/medicines", headers={"Origin": "null"}).headers


# --- what broke -----------------------------------------------------------------------------------------------------


class Notebook:
    """A logger that keeps what it is told, as the log line of the request would show it."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def error(self, event: str, **values: Any) -> None:
        self.lines.append({"event": event} | structlog.contextvars.get_contextvars() | values)


def test_a_mistake_of_ours_is_a_500_that_tells_nothing_and_is_noted(
    ada: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object, **__: object) -> None:
        raise RuntimeError("Metformin 500 mg of ada@example.com")

    notebook = Notebook()
    monkeypatch.setattr(medicines.cabinet, "low_stock", mistaken)
    monkeypatch.setattr(manners, "log", notebook)
    answer = mannered(ada.call("GET", "/medicines/low-stock", headers=ORIGIN))

    assert problem_of(answer, 500)["code"] == "internal_error"
    [line] = notebook.lines
    assert (line["request_id"], line["error"]) == (answer.headers["x-request-id"], "RuntimeError")
    assert line["where"].startswith("test_manners.py:")
    for private in ("Metformin", "ada@example.com"):
        assert private not in answer.text + str(line)
    ada.get("/medicines")


@pytest.fixture
def without_database(environment: Settings, base_url: str) -> Iterator[str]:
    """The same API where nothing listens at the database's address."""
    from api.main import create_app

    nowhere = f"postgresql+psycopg://nobody:x@127.0.0.1:{free_port()}/nothing"
    with serving(create_app(environment.model_copy(update={"database_url": nowhere}))) as url:
        yield url


def test_without_the_database_everything_is_503_and_nobody_is_signed_out(ada: Caller, without_database: str) -> None:
    with stranger(without_database) as caller:
        there = caller.signed_in(ada.tokens or {})
        said = {"email": ada.email, "password": "lighthouse"}
        for method, path, body in (
            ("GET", "/auth/me", None),
            ("GET", "/medicines", None),
            ("POST", "/medicines", MEDICINE),
            ("POST", "/reminders/1/take", {}),
            ("POST", "/auth/login", said),
            ("POST", "/auth/refresh", {"refresh_token": "x"}),
            ("POST", "/auth/logout", None),
        ):
            answer = mannered(there.call(method, path, headers=ORIGIN, **({"json": body} if body is not None else {})))
            assert problem_of(answer, 503)["code"] == "busy"
            assert answer.headers["retry-after"] == "2"
        assert caller.http.get("/health").status_code == 200
        checks = caller.http.get("/health/ready")
        assert (checks.status_code, checks.json()["checks"]["database"]) == (503, "unreachable")


def test_without_the_broker_everything_is_still_kept(ada: Caller, environment: Settings) -> None:
    from api.main import create_app

    nowhere = environment.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    with serving(create_app(nowhere)) as url, stranger(url) as caller:
        there = caller.signed_in(ada.tokens or {})
        there.add_medicine()
        assert caller.http.get("/health/ready").json()["checks"]["broker"] == "unreachable"

    assert ada.get("/medicines")["total"] == 1


def test_a_connection_that_was_cut_is_made_anew(ada: Caller, committed: sessionmaker[Session]) -> None:
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'pillio api' AND datname = current_database()"
    )
    with committed.begin() as session:
        assert session.scalars(cut).all()

    ada.get("/medicines")
    ada.add_medicine()


def test_who_waits_too_long_for_a_lock_is_asked_to_come_back(
    ada: Caller, committed: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    medicine = ada.add_medicine(current_stock=6)
    adjust = medicines.cabinet.adjust_stock

    def impatient(session: Session, *args: Any, **more: Any) -> Any:
        session.execute(text("SET LOCAL lock_timeout = '20ms'"))
        return adjust(session, *args, **more)

    monkeypatch.setattr(medicines.cabinet, "adjust_stock", impatient)
    with committed.begin() as session:
        session.execute(text("SELECT FROM stocks WHERE medicine_id = :medicine FOR UPDATE"), {"medicine": medicine})
        problem = ada.refused(503, "POST", f"/medicines/{medicine}/adjust-stock?adjustment=1")

    assert problem["code"] == "busy"
    assert ada.post(f"/medicines/{medicine}/adjust-stock?adjustment=1")["current_stock"] == 7


def test_when_everybody_comes_at_once_the_last_is_asked_to_come_back_and_not_signed_out(
    ada: Caller, committed: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/medicines/{ada.add_medicine(current_stock=6)}/adjust-stock?adjustment=1"
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with ThreadPoolExecutor(database.AT_ONCE) as pool, committed() as holder, committed() as watcher:
        holder.execute(text("SELECT FROM stocks FOR UPDATE"))
        answers = [pool.submit(ada.post, path) for _ in range(database.AT_ONCE)]
        while watcher.scalar(waiting) != database.AT_ONCE:
            watcher.rollback()
            time.sleep(0.01)
        monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
        problem = ada.refused(503, "GET", "/auth/me")
        holder.rollback()

    assert problem["code"] == "busy"
    assert sorted(answer.result()["current_stock"] for answer in answers) == [7, 8, 9, 10, 11, 12]
    ada.get("/auth/me")
