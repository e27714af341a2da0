"""Programs of the stack on a machine of a test's own: started as `ops.programs` has them, killed and frozen at will."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2 as httpx
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import NullPool

from ops import programs
from ops.ports import free_port
from ops.programs import Program
from ops.wishes import read_wishes
from tests.support.callers import Caller
from tests.support.machine import (
    PATIENCE_SECONDS,
    SECRET_KEY,
    TEMPLATE,
    Machine,
    children,
    freeze,
    kill,
    kill_all,
    thaw,
    until,
)
from tests.support.mailbox import HOST, Mailbox
from tests.support.messages import SENDER

REPO = Path(__file__).resolve().parent.parent.parent
_FEWER = {"api": ("--workers", "1")}  # processes: one is enough to fall over, and starts sooner
_READY = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE :name"

_LATEST = (
    "SELECT count(*) AS told, max(extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at))::float8 AS late"
    " FROM notifications WHERE kind = 'due'"
)
_MESSAGES = (
    "SELECT outcome || CASE WHEN may_repeat THEN ' perhaps twice' ELSE '' END AS outcome, count(*) FROM deliveries"
    " GROUP BY 1 ORDER BY 1"
)


@dataclass
class Stage:
    """One database, one queue, one relay, and whatever programs a test starts there, by the name it gives them."""

    machine: Machine
    post: Mailbox
    folder: Path
    environment: dict[str, str]
    engine: Engine
    running: dict[str, "Popen[bytes]"] = field(default_factory=dict)

    @property
    def sessions(self) -> "sessionmaker[Session]":
        return sessionmaker(self.engine, expire_on_commit=False)

    @property
    def api(self) -> str:
        return f"http://{HOST}:{self.environment['PORT']}"

    @property
    def stream(self) -> str:
        return f"http://{HOST}:{self.environment['STREAM_PORT']}/api/v1/notifications/stream"

    def start(
        self, program: str, *more: str, name: str | None = None, where: Path = REPO, through: str | None = None,
        **environment: str,
    ) -> "Popen[bytes]":  # fmt: skip
        """One of `ops.programs`, with further arguments. `through`: a module that runs it in its own way."""
        planned = self._planned(program)
        command = [*planned.command, *_FEWER.get(program, ()), *more]
        if through:
            command.insert(command.index("-m") + 1, through)
        name = name or program
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=where,
                env=self.environment | dict(planned.environment) | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.running[name] = process
        return process

    def _planned(self, program: str) -> Program:
        wishes = read_wishes(self.environment, self.folder / "no.env")
        planned = [each for group in programs.of_ours(wishes) for each in group.programs]
        return next(each for each in planned if each.name == program)

    def perform(self, *names: str) -> None:
        """Start these; return when the workers among them look at the database and the API answers."""
        for each in names:
            self.start(each)
        for each in names:
            self.wait_up(each)

    def wait_up(self, name: str) -> None:
        """Workers are up when their watchdog has looked, beat when it has begun, the API when it answers."""
        process = self.running[name]
        if name in ("api", "stream"):
            url = self.api if name == "api" else self.stream.partition("/api")[0]
            until(lambda: httpx.get(f"{url}/health", timeout=2), or_else=f"{name} does not answer")
        elif name != "beat":
            until(lambda: self.count(_READY, name=f"pillio worker {process.pid}"), or_else=f"{name} is not up")

    def owner(self, pid: int) -> str:
        """The name of the program that this process belongs to."""
        return next(name for name, each in self.running.items() if pid in (each.pid, *children(each.pid)))

    def kill(self, name: str) -> None:
        """kill -9 of the program itself; what is below it is left to find out."""
        kill(self.running.pop(name))

    def kill_all(self, name: str) -> None:
        """kill -9 of a program and everything below it, at one instant."""
        pids = [self.running[name].pid, *children(self.running[name].pid)]
        kill_all(pids)
        self.running.pop(name).wait(PATIENCE_SECONDS)

    def kill_child(self, name: str, pid: int) -> None:
        """kill -9 of one process of a program's pool."""
        assert pid in children(self.running[name].pid)
        kill_all([pid])

    def freeze(self, name: str) -> None:
        freeze(self.running[name].pid)

    def thaw(self, name: str) -> None:
        thaw(self.running[name].pid)

    def end(self) -> None:
        """kill -9 of everything that runs here, frozen or not."""
        for process in self.running.values():
            below = children(process.pid)
            process.kill()
            kill_all(below)
            process.wait(20)
        self.running.clear()

    def said(self, name: str) -> str:
        """What a program has written so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def seen(self) -> str:
        """For whoever reads the log of a run: how late the last dose was told, and what became of messages."""
        (late,) = self.rows(_LATEST)
        messages = " ".join(f"{row['outcome']} {row['count']}" for row in self.rows(_MESSAGES))
        return f"told {late['told']}, the last {late['late'] or 0:.1f} s late; {messages or 'no messages'}"

    # --- what is there ----------------------------------------------------------------------------------------------

    def count(self, statement: str, **values: Any) -> int:
        with self.engine.connect() as connection:
            return int(connection.scalar(text(statement), values) or 0)

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    def do(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    def ready(self) -> tuple[int, Mapping[str, str]]:
        answer = httpx.get(f"{self.api}/health/ready", timeout=10)
        return answer.status_code, answer.json()["checks"]

    @contextmanager
    def caller(self, seconds: float = 30) -> Iterator[Caller]:
        with httpx.Client(base_url=self.api, timeout=seconds) as client:
            yield Caller(client)


@contextmanager
def stage(
    machine: Machine, post: Mailbox, folder: Path, database: int = 0, *, template: str = TEMPLATE
) -> Iterator[Stage]:
    """Over a new database and an empty queue."""
    with ExitStack() as stack:
        url = machine.new_database(template)
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
        stack.callback(engine.dispose)
        ports = {name: str(free_port()) for name in ("PORT", "STREAM_PORT", "FLOWER_PORT")}
        given = {
            "DATABASE_URL": url,
            "REDIS_URL": machine.server.url(database),
            "SECRET_KEY": SECRET_KEY,
            "PILLIO_HOME": str(folder),
            "BCRYPT_ROUNDS": "4",
            "SMTP_HOST": HOST,
            "SMTP_PORT": str(post.port),
            "SMTP_TLS": "none",
            "EMAILS_FROM_EMAIL": SENDER,
            "SSL_CERT_FILE": os.devnull,  # nothing is encrypted here, and reading a machine's takes most of the time
            "PYTHONPATH": "",
        }
        (folder / "run").mkdir()
        made = Stage(machine, post, folder, {**os.environ, **given, **ports}, engine)
        stack.callback(machine.set_right)
        stack.callback(made.end)
        yield made
