"""The demo's ears and hands, each against something real: an SMTP client, an HTTP server, an operator's environment."""

import json
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.demo.caller import calling
from ops.demo.heard import Heard
from ops.demo.listening import listening
from ops.demo.mailbox import mailbox
from ops.demo.stage import Stage
from ops.demo.telling import Narrator
from ops.ports import LOOPBACK
from ops.refusal import Refusal

STREAM = (
    b'retry: 3000\nevent: hello\nid: 7\ndata: {"id": "7"}\n\n: still here\n\n'
    b'event: dose\nid: 8\ndata: {"status": "taken", "dose_id": 12}\n\n'
)


class _Pillio(BaseHTTPRequestHandler):
    """As little of Pillio as the demo's clients need: a stream that ends, a door that opens, one that does not."""

    def do_GET(self) -> None:
        self.close_connection = True
        if self.path == "/stream":
            self._answer(200 if self.headers["Authorization"] == "Bearer right" else 401, STREAM, "text/event-stream")
        elif self.path == "/api/v1/open?per_page=100":
            self._answer(200, json.dumps({"items": [{"id": 1}]}).encode())
        else:
            self._answer(409, b'{"detail": "Please undo it first."}', "application/problem+json")

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pillio() -> Iterator[str]:
    server = ThreadingHTTPServer((LOOPBACK, 0), _Pillio)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://{LOOPBACK}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def _in_a_moment(work: threading.Timer) -> Iterator[None]:
    work.start()
    yield
    work.join()


def test_what_came_before_anybody_waited_is_found_and_what_never_comes_is_none() -> None:
    heard: Heard[str] = Heard()
    heard.add("bell")
    heard.add("mail")
    first = heard.wait_for(lambda what: True, 60)
    assert first is not None
    assert first.what == "bell"
    second = heard.wait_for(lambda what: True, 60, after=1)
    assert second is not None
    assert (second.what, second.at.utcoffset()) == ("mail", timedelta(0))
    assert heard.wait_for(lambda what: True, 0, after=2) is None
    assert heard.wait_for(lambda what: what == "stock", 0) is None


def test_who_waits_is_woken_by_what_comes() -> None:
    heard: Heard[str] = Heard()
    with _in_a_moment(threading.Timer(0.05, heard.add, ["bell"])):
        assert heard.wait_for(lambda what: what == "bell", 60) is not None


def test_a_mail_is_caught_with_its_words_whoever_sends_it() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "pillio@example.org", "ada@example.org", "💊 Reminder 08:00"
    message.set_content("One tablet,\nwith water.")
    with mailbox() as (port, mails):
        with smtplib.SMTP(LOOPBACK, port, timeout=60) as sender:
            sender.login("me", "whatever .env says")
            sender.send_message(message)
        came = mails.wait_for(lambda mail: True, 60)
    assert came is not None
    assert came.what.to == ("ada@example.org",)
    assert (came.what.subject, came.what.text) == ("💊 Reminder 08:00", "One tablet, with water.")


def test_a_closed_mailbox_takes_no_mail() -> None:
    with mailbox() as (port, _):
        pass
    with pytest.raises(OSError, match="refused"):
        smtplib.SMTP(LOOPBACK, port, timeout=60)


def test_the_stream_is_heard_event_by_event_and_its_end_is_told(pillio: str) -> None:
    with listening(f"{pillio}/stream", "right") as events:
        assert events.wait_for(lambda event: event.name == "gone", 60) is not None
    heard = [(each.what.name, each.what.data) for each in events.all()]
    assert heard[:2] == [("hello", {"id": "7"}), ("dose", {"status": "taken", "dose_id": 12})]
    assert [name for name, _ in heard] == ["hello", "dose", "gone"]


def test_a_stream_that_does_not_open_is_gone_at_once(pillio: str) -> None:
    with listening(f"{pillio}/stream", "wrong") as events:
        gone = events.wait_for(lambda event: True, 60)
    assert gone is not None
    assert gone.what.name == "gone"
    assert "401" in gone.what.data["reason"]


def test_an_answer_that_is_no_success_is_refused_in_its_own_words(pillio: str) -> None:
    with calling(pillio) as caller:
        assert caller.items("/open") == [{"id": 1}]
        with pytest.raises(Refusal, match=r"answered 409: Please undo it first\."):
            caller.get("/shut")
    with calling(f"http://{LOOPBACK}:1") as caller, pytest.raises(Refusal, match="got no answer"):
        caller.get("/open")


def test_a_proxy_for_the_world_outside_is_not_asked_for_our_own_addresses(
    pillio: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:1")
    with calling(pillio) as caller:
        assert caller.items("/open") == [{"id": 1}]
    with listening(f"{pillio}/stream", "right") as events:
        assert events.wait_for(lambda event: event.name == "hello", 60) is not None


def test_nothing_of_the_operators_reaches_the_stage(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"PORT": 21_400, "STREAM_PORT": 21_401, "FLOWER_PORT": 21_402})
    operators = {
        "DATABASE_URL": "postgresql://real",
        "REDIS_URL": "redis://real",
        "SECRET_KEY": "real",
        "PILLIO_HOME": "/real",
        "SMTP_USER": "real",
        "DEADMAN_URL": "https://real",
        "SMTP_HOST": "real",
        "FLOWER_BASIC_AUTH": "real",
        "PORT": "80",
        "HOST": "0.0.0.0",  # noqa: S104  an operator's
    }
    environment = stage.environment(operators | {"PATH": "/usr/bin"}, 21_403)
    assert not any("real" in value for value in environment.values())
    assert environment["PATH"] == "/usr/bin"
    assert (environment["PORT"], environment["HOST"], environment["SMTP_PORT"]) == ("21400", LOOPBACK, "21403")


def test_a_count_down_ends_at_its_instant_and_says_how_far_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    until = datetime.now(UTC) + timedelta(seconds=0.3)
    Narrator(UTC).count_down("the bell should ring", until)
    assert datetime.now(UTC) >= until
    assert "the bell should ring in 0 s" in capfd.readouterr().out


def test_waiting_for_something_ends_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    answers = iter([False, False, True])
    Narrator(UTC).count_up("it is starting", lambda: next(answers), 60)
    assert "it is starting (0 s)" in capfd.readouterr().out
    assert next(answers, "asked three times") == "asked three times"
