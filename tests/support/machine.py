"""A machine of a test's own: a durable PostgreSQL and a Valkey that may be killed, frozen and started again.

Nothing here is restarted by itself, as a supervisor would: a test says what falls and when it gets up. Every process
is known by its number, and is ended by it.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx2 as httpx
import psycopg
import redis
from sqlalchemy.exc import SQLAlchemyError

from ops import migrating, postgres, processes, valkey
from ops.ports import free_port

SECRET_KEY = "a-key-for-faults-only-of-32-bytes-or-more"
TEMPLATE = "pillio_template"
PATIENCE_SECONDS = 60.0
_PROC = Path("/proc")


@dataclass
class Machine:
    """`postgres` and `valkey` are the running servers. Both are as an operator's: what they acknowledge is on disk."""

    cluster: postgres.Cluster
    server: valkey.Server
    postgres: "Popen[bytes]"
    valkey: "Popen[bytes]"
    _databases: int = 0

    def new_database(self, template: str = TEMPLATE) -> str:
        """An empty one, migrated unless the template is not; returns its URL."""
        self._databases += 1
        name = f"pillio_{self._databases}"
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}')
        return self.cluster.url(name)

    def stop_postgres(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is *immediate*: nobody is asked, nothing is written; the next start recovers from the log."""
        self.postgres.send_signal(how)
        self.postgres.wait(PATIENCE_SECONDS)

    def start_postgres(self) -> None:
        """On the port it had."""
        postgres.prepare(self.cluster)
        self.postgres = postgres.start(self.cluster)

    def kill_valkey(self) -> None:
        kill(self.valkey)

    def start_valkey(self) -> None:
        """On the port it had."""
        self.valkey = valkey.start(self.server)

    def set_right(self) -> None:
        """Whatever a test did, the next one finds both servers up."""
        thaw(self.postgres.pid)
        thaw(self.valkey.pid)
        if self.postgres.poll() is not None:
            self.start_postgres()
        if self.valkey.poll() is not None:
            self.start_valkey()
        with redis.Redis.from_url(self.server.url()) as broker:
            broker.execute_command("REPLICAOF", "NO", "ONE")

    def stop(self) -> None:
        """At once: what is here is thrown away."""
        for process, name in ((self.valkey, "KILL"), (self.postgres, "QUIT")):
            thaw(process.pid)
            processes.stop_child(process, name, 20)


@contextmanager
def machine(folder: Path | None = None) -> Iterator[Machine]:
    """In `folder`, or in one of its own; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="pillio-faults-", dir=folder))
    cluster = postgres.Cluster(home / "postgres", free_port(), "for-faults")
    server = valkey.Server(home / "valkey", free_port({cluster.port}), "for-faults")
    postgres.prepare(cluster)
    valkey.prepare(server)
    made = Machine(cluster, server, postgres.start(cluster), valkey.start(server))
    try:
        postgres.ensure_database(cluster, TEMPLATE)
        given = {"DATABASE_URL": cluster.url(TEMPLATE), "REDIS_URL": server.url(), "SECRET_KEY": SECRET_KEY}
        migrating.migrate(os.environ | given)
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


# --- processes by their number --------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """The processes below this one, nearest first."""
    found: list[int] = []
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found + [below for each in found for below in children(each)]


def kill(process: "Popen[bytes]") -> None:
    """kill -9, and reaped."""
    process.kill()
    process.wait(PATIENCE_SECONDS)


def freeze(pid: int) -> None:
    """This process and all below it stand still."""
    _signal([pid, *children(pid)], signal.SIGSTOP)


def thaw(pid: int) -> None:
    _signal([*reversed(children(pid)), pid], signal.SIGCONT)


def kill_all(pids: list[int]) -> None:
    _signal(pids, signal.SIGKILL)


def _signal(pids: list[int], name: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, name)


def until(what: Callable[[], object], seconds: float = PATIENCE_SECONDS, *, or_else: str = "it did not happen") -> None:
    """As soon as it is so; what it raises while the machine is in trouble counts as not yet."""
    deadline = time.monotonic() + seconds
    trouble: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if what():
                return
            trouble = None
        except (OSError, SQLAlchemyError, httpx.HTTPError) as error:
            trouble = error
        time.sleep(0.05)
    raise AssertionError(or_else) from trouble
