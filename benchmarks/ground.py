"""The ground a benchmark stands on: a scratch PostgreSQL (durable, as in production), Valkey, and workers."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from engine.settings import load
from ops import migrating, postgres, processes, programs, valkey
from ops.ports import free_port
from ops.programs import Program

DATABASE = "pillio_bench"
SECRET_KEY = "a-key-for-benchmarks-only-of-32-bytes"  # noqa: S105 - protects nothing


@dataclass(frozen=True)
class Ground:
    """Where the servers are; `environment` is what programs of ours need to know."""

    folder: Path
    postgres_pid: int
    valkey_pid: int
    environment: dict[str, str]
    engine: Engine

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        return self.environment["REDIS_URL"]


@contextmanager
def ground(*, keep: bool = False) -> Iterator[Ground]:
    """Servers of our own. `keep`: left running, with where they are printed, for a look from outside."""
    folder = Path(tempfile.mkdtemp(prefix="pillio-bench-"))
    with ExitStack() as stack:
        cluster = postgres.Cluster(folder / "postgres", free_port(), "for-benchmarks")
        server = valkey.Server(folder / "valkey", free_port({cluster.port}), "for-benchmarks")
        postgres.prepare(cluster)
        valkey.prepare(server)
        database, broker = postgres.start(cluster), valkey.start(server)
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            stack.callback(processes.stop_child, database, postgres.STOP_SIGNAL, 30)
            stack.callback(processes.stop_child, broker, valkey.STOP_SIGNAL, 10)
        postgres.ensure_database(cluster, DATABASE)
        environment = os.environ | {
            "DATABASE_URL": cluster.url(DATABASE),
            "REDIS_URL": server.url(),
            "SECRET_KEY": SECRET_KEY,
            "PILLIO_HOME": str(folder),
        }
        os.environ.update(environment)
        load.cache_clear()
        migrating.migrate(environment)
        engine = create_engine(make_url(cluster.url(DATABASE)).set(drivername="postgresql+psycopg"), pool_size=4)
        stack.callback(engine.dispose)
        yield Ground(folder, database.pid, broker.pid, environment, engine)
        if keep:
            print(f"kept: DATABASE_URL={cluster.url(DATABASE)} (postmaster {database.pid}, {folder})")


@contextmanager
def running(ground: Ground, *wanted: Program) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Programs of the one-machine stack, as `make up` runs them."""
    started = [
        subprocess.Popen(
            program.command,
            cwd=program.directory,
            env=ground.environment | dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for program in wanted
    ]
    try:
        yield started
    finally:
        for process in started:
            processes.stop_child(process, "TERM", 15)


def the_worker() -> Program:
    """Ticks, drains and upkeep; what hands messages over runs in another, and is not part of the drain."""
    return next(each for each in programs.workers() if each.name == "worker")
