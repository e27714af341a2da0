"""Processes that work beside each other, one connection each: begun together, timed together, each knows what it used.

What the database used is its own: of the whole server, so that writing behind the statements is in it.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine

from benchmarks import meters
from benchmarks.ground import Ground
from engine.db import connect
from engine.settings import load

Work = Callable[..., int]  # over an engine, returns how many it did


@dataclass(frozen=True)
class Measured:
    """`load`: of the machine, before it began. Microseconds of CPU and bytes of WAL are for each of `done`."""

    done: int
    seconds: float
    per_s: float
    python_us: float
    postgres_us: float
    wal_bytes: float
    load: float


@dataclass(frozen=True)
class Crew:
    """Workers that are connected and wait."""

    ground: Ground
    lines: list[Connection]

    def do(self, work: Work, *shares: tuple[Any, ...]) -> Measured:
        """One share of the work for each, all at once."""
        engine, postgres = self.ground.engine, self.ground.postgres_pid
        wal, cpu, load, began = meters.wal_bytes(engine), meters.cpu_seconds(postgres), os.getloadavg()[0], _tick()
        for line, share in zip(self.lines, shares, strict=True):
            line.send((work, share))
        answers = [line.recv() for line in self.lines]
        seconds = _tick() - began
        done = sum(each for each, _ in answers)
        each = max(done, 1)
        return Measured(
            done=done,
            seconds=seconds,
            per_s=done / seconds,
            python_us=sum(used for _, used in answers) / each * 1e6,
            postgres_us=(meters.cpu_seconds(postgres) - cpu) / each * 1e6,
            wal_bytes=(meters.wal_bytes(engine) - wal) / each,
            load=load,
        )


@contextmanager
def crew(ground: Ground, size: int) -> Iterator[Crew]:
    context = multiprocessing.get_context("spawn")  # a fork would share the parent's connections
    pipes = [context.Pipe() for _ in range(size)]
    processes = [context.Process(target=_serve, args=(theirs,)) for _, theirs in pipes]
    try:
        for process in processes:
            process.start()
        for ours, _ in pipes:
            ours.recv()  # connected
        yield Crew(ground, [ours for ours, _ in pipes])
        for ours, _ in pipes:
            ours.send(None)
    finally:
        for process in processes:
            process.join(10)
            process.kill()


def _serve(line: Connection) -> None:
    engine = connect(load().database_url, "benchmark", pool_size=1)
    engine.connect().close()
    line.send("ready")
    while (asked := line.recv()) is not None:
        work, share = asked
        used = time.process_time()
        done = work(engine, *share)
        line.send((done, time.process_time() - used))


def _tick() -> float:
    return time.perf_counter()


def prepared(engine: Engine, *statements: str) -> None:
    """Between two measurements: what is behind must not be paid for by what comes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (*statements, "VACUUM ANALYZE", "CHECKPOINT"):
            connection.exec_driver_sql(statement)
