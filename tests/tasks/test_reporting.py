"""All is well is said to somebody outside, and only while it is."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine import clock
from engine.pulse import beat
from engine.settings import load
from tasks import reporting
from tests.support.reminders import make_world


class _Listener(HTTPServer):
    heard: int = 0


@pytest.fixture
def listener(world: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Iterator[_Listener]:
    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.heard += 1
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = _Listener(("127.0.0.1", 0), Note)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("DEADMAN_URL", f"http://127.0.0.1:{server.server_port}/alive")
    load.cache_clear()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)
    load.cache_clear()


def _tick(world: sessionmaker[Session]) -> None:
    with world.begin() as session:
        now = clock.now()
        beat.record(session, at=now, source=beat.BEAT, now=now)


def test_while_everybody_is_told_it_is_said(world: sessionmaker[Session], listener: _Listener) -> None:
    _tick(world)
    reporting.report_alive()

    assert listener.heard == 1


def test_a_clock_that_does_not_tick_is_kept_quiet_about(listener: _Listener) -> None:
    reporting.report_alive()

    assert listener.heard == 0


def test_somebody_who_was_not_told_is_reason_for_silence(world: sessionmaker[Session], listener: _Listener) -> None:
    saved_at = clock.now() - timedelta(minutes=2)
    with world.begin() as session:
        due_at = saved_at + timedelta(minutes=1)
        make_world(session, at=f"{due_at:%H:%M:%S}", time_zone="UTC", now=saved_at)
    _tick(world)
    reporting.report_alive()

    assert listener.heard == 0


def test_a_listener_that_is_gone_is_its_own_alarm(
    world: sessionmaker[Session], listener: _Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tick(world)
    monkeypatch.setenv("DEADMAN_URL", "http://127.0.0.1:9/nobody")
    load.cache_clear()

    reporting.report_alive()

    assert listener.heard == 0
