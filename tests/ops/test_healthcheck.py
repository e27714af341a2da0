"""`pillio healthcheck`: each program is asked about itself, on real servers; what is not well is one sentence.

That every service's own check finds it well is seen in test_compose.py, where they all run.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from engine import clock
from engine.pulse import beat
from engine.settings import Settings
from ops import embedded, healthcheck
from ops.one_at_a_time import only_one
from ops.ports import free_port
from ops.refusal import Refusal
from ops.wishes import REPO, Wishes, read_wishes
from tests.support.serving import serving

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
OURS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "BCRYPT_ROUNDS")
NOWHERE = "127.0.0.1:1"

Worlds = sessionmaker[Session]


@pytest.fixture
def put_back(environment: Settings) -> Iterator[None]:
    """A check takes over the settings it is given, as a process that does nothing else may."""
    from engine.settings import load

    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    load.cache_clear()


@pytest.fixture
def home(tmp_path: Path, put_back: None) -> Path:
    """No stack runs in it."""
    return tmp_path


def wishes(home: Path, **environment: str) -> Wishes:
    """An operator's, over the servers of this test."""
    own = {name: os.environ[name] for name in OURS} | {"PILLIO_HOME": str(home)}
    return read_wishes(own | environment, home / "no.env")


def refused(program: str, wishes: Wishes) -> str:
    with pytest.raises(Refusal) as refusal:
        healthcheck.check(program, wishes)
    return str(refusal.value)


# --- what answers over HTTP -----------------------------------------------------------------------------------------


@contextmanager
def the_api(settings: Settings) -> Iterator[str]:
    """The port it answers on."""
    from api.main import create_app

    with serving(create_app(settings)) as url:
        yield url.rpartition(":")[2]


def test_an_api_is_well_though_nobody_ticks(environment: Settings, committed: Worlds, home: Path) -> None:
    """It takes down people's answers all the same."""
    with the_api(environment) as port:
        assert healthcheck.check("api", wishes(home, PORT=port)) == f"The API answers on port {port}."
        said = healthcheck.check("stream", wishes(home, STREAM_PORT=port))
        assert said == f"The live stream answers on port {port}."


def test_an_api_without_its_database_is_not_well(environment: Settings, home: Path) -> None:
    alone = environment.model_copy(update={"database_url": f"postgresql+psycopg://ada:secret@{NOWHERE}/none"})
    with the_api(alone) as port:
        said = refused("api", wishes(home, PORT=port))
    assert said == "The API answers, but its database is unreachable."


def test_an_api_over_a_database_of_another_version_is_well(
    environment: Settings, committed: Worlds, home: Path
) -> None:
    """In an upgrade, old and new stand side by side."""
    with _another_version(committed), the_api(environment) as port:
        assert healthcheck.check("api", wishes(home, PORT=port)) == f"The API answers on port {port}."


@contextmanager
def _another_version(committed: Worlds) -> Iterator[None]:
    put = text("UPDATE alembic_version SET version_num = :version")
    with committed.begin() as session:
        before = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(put, {"version": "9999"})
    try:
        yield
    finally:
        with committed.begin() as session:
            session.execute(put, {"version": before})


@pytest.mark.parametrize(
    ("program", "variable", "who"),
    [("api", "PORT", "The API"), ("stream", "STREAM_PORT", "The live stream"), ("flower", "FLOWER_PORT", "Flower")],
)
def test_what_does_not_answer_is_not_well(program: str, variable: str, who: str, home: Path) -> None:
    port = free_port()
    assert refused(program, wishes(home, **{variable: str(port)})) == f"{who} does not answer on port {port}."


@pytest.mark.parametrize("answer", ["hello", "[]", '"ok"', "{}", '{"checks": 1}', "\x00"])
def test_a_stranger_on_the_port_is_not_taken_for_ours(answer: str, home: Path) -> None:
    with _stranger(answer) as port:
        assert refused("api", wishes(home, PORT=port)) == f"What answers on port {port} is not Pillio."
        assert refused("flower", wishes(home, FLOWER_PORT=port)) == f"Flower does not answer on port {port}."


@contextmanager
def _stranger(answer: str) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield str(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- beat -----------------------------------------------------------------------------------------------------------


def ticked(committed: Worlds, source: str) -> None:
    with committed.begin() as session:
        assert beat.record(session, at=NOW, source=source, now=NOW)


def test_beat_is_well_until_it_has_been_silent_for_three_seconds(
    committed: Worlds, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticked(committed, beat.BEAT)
    monkeypatch.setattr(clock, "now", lambda: NOW + beat.SILENT_AFTER - INSTANT)
    assert healthcheck.check("beat", wishes(home)) == "Beat is heard."
    monkeypatch.setattr(clock, "now", lambda: NOW + beat.SILENT_AFTER)
    assert refused("beat", wishes(home)).startswith("No tick of beat's was taken up for three seconds")


def test_beat_is_not_well_while_a_watchdog_ticks_for_it(
    committed: Worlds, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticked(committed, "watchdog")
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert refused("beat", wishes(home)).startswith("No tick of beat's was taken up for three seconds")


def test_without_the_database_nobody_can_say_whether_beat_is_heard(home: Path) -> None:
    said = refused("beat", wishes(home, DATABASE_URL=f"postgresql://ada:secret@{NOWHERE}/none"))
    assert said == "The database does not answer, so it is not known whether beat is heard."


# --- workers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("program", "node"), [("worker", "engine"), ("upkeep", "upkeep"), ("sender", "sender")])
def test_a_worker_that_does_not_run_is_not_well(
    program: str, node: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(healthcheck, "_ANSWER_SECONDS", 1)
    assert refused(program, wishes(home)).startswith(f"{node}@")


# --- the command ----------------------------------------------------------------------------------------------------


def _command(home: Path, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    own = {"PATH": os.environ["PATH"], "PILLIO_HOME": str(home)} | environment
    own = {name: os.environ[name] for name in OURS if name not in own} | own
    argv = [sys.executable, "-m", "ops", "healthcheck", program]
    return subprocess.run(argv, cwd=REPO, env=own, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_says_one_sentence_and_its_exit_code_says_which(
    environment: Settings, committed: Worlds, home: Path
) -> None:
    with the_api(environment) as port:
        well = _command(home, "api", PORT=port)
    assert (well.returncode, well.stdout, well.stderr) == (0, f"The API answers on port {port}.\n", "")
    gone = _command(home, "api", PORT=port)
    assert (gone.returncode, gone.stdout, gone.stderr) == (1, "", f"The API does not answer on port {port}.\n")


def test_a_broker_that_is_away_is_one_sentence_without_its_password(home: Path) -> None:
    done = _command(home, "worker", REDIS_URL=f"redis://:hidden@{NOWHERE}/0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "hidden" not in done.stderr


def test_a_program_nobody_knows_is_wrong_usage(home: Path) -> None:
    done = _command(home, "wroker")
    assert done.returncode == 2
    assert "wroker is none of api, stream, worker, upkeep, sender, beat, flower." in done.stderr


def test_where_a_stack_runs_it_is_that_one_which_is_asked(committed: Worlds, home: Path) -> None:
    """Its servers' addresses are known to nobody else: they are new at each start."""
    (home / "run").mkdir()
    nowhere = {"DATABASE_URL": "", "REDIS_URL": ""}
    with only_one(home):
        starting = _command(home, "beat", **nowhere)
        with embedded.published(wishes(home), dict(os.environ)):
            running = _command(home, "beat", **nowhere)
    stopped = _command(home, "beat", **nowhere)
    assert "is starting or stopping" in starting.stderr
    assert "No tick of beat's" in running.stderr
    assert f"Pillio does not run on {home}" in stopped.stderr
