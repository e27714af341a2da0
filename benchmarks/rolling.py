"""The horizon: rows made ahead by the code that makes them, and beside it what writing the same rows costs at least."""

import time
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine, text

from benchmarks import meters
from benchmarks.crew import Crew, Measured, prepared
from benchmarks.ground import Ground
from benchmarks.regimens import RULES_A_PERSON
from engine.accounts.access import Person, Who
from engine.db import run
from engine.dispatch import ahead, regimen
from engine.tables import shard_of

COPIED_AT_MOST = 1_000_000
_REWIND = "UPDATE reminders SET planned_through_at = :at WHERE planned_through_at IS NOT NULL"
_SIZES = text(
    "SELECT regexp_replace(c.relname, '^doses_(\\d{8}|default)_?', '') AS part, sum(pg_relation_size(c.oid)) AS size"
    " FROM pg_class c WHERE c.relname LIKE 'doses%' AND c.relkind IN ('r', 'i') GROUP BY 1"
)
_TOTAL = text("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('doses') WHERE isleaf")


def roll_all(engine: Engine, now: datetime) -> int:
    """As the task does: a batch and a transaction at a time, until no rule is behind; returns the new rows."""
    made, rules = 0, 1
    while rules:
        rolled = run(engine, partial(ahead.roll, now=now))
        made, rules = made + rolled.doses, rolled.rules
    return made


def first_fill_and_daily_roll(crew: Crew, now: datetime) -> tuple[Measured, Measured]:
    """From no row at all to the horizon, and a day later one day further."""
    engine = crew.ground.engine
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE doses"))
        connection.execute(text(_REWIND), {"at": now})
    prepared(engine)
    filled = crew.do(roll_all, *[(now,)] * len(crew.lines))
    prepared(engine)
    return filled, crew.do(roll_all, *[(now + timedelta(days=1, seconds=1),)] * len(crew.lines))


def replay(crew: Crew, now: datetime, rows: int) -> dict[str, float]:
    """The first fill once more over its own rows: nothing may come of it."""
    with crew.ground.engine.begin() as connection:
        connection.execute(text(_REWIND), {"at": now})
    prepared(crew.ground.engine)
    again = crew.do(roll_all, (now,))
    return {"rows_looked_at": rows, "new": again.done, "rows_per_s": rows / again.seconds, "load": again.load}


def edits(engine: Engine, n: int, *, times: int, now: datetime) -> dict[str, float]:
    """One rule moved by a minute: a new version, its rows moved, all in a transaction of its own."""
    spent = []
    for place in range(times):
        reminder_id = 1 + place * n // times
        person_id = (reminder_id - 1) // RULES_A_PERSON + 1
        who = Who(Person(person_id, shard_of(person_id), "Europe/Riga"), actor_id=person_id, session_id=0)
        given = {"reminder_time": datetime(2026, 1, 1, 7, 31).time()}  # noqa: DTZ001 - a wall clock
        edit = partial(regimen.edit_reminder, who=who, reminder_id=reminder_id, given=given, is_put=False, now=now)
        began = time.perf_counter()
        run(engine, edit)
        spent.append((time.perf_counter() - began) * 1000)
    spent.sort()
    return {"edits": times, "p50_ms": spent[times // 2], "p99_ms": spent[times * 99 // 100]}


def bytes_per_row(engine: Engine) -> dict[str, float]:
    """Of everything there is of `doses`, and what of it is the heap and each index."""
    prepared(engine)
    with engine.connect() as connection:
        rows = int(connection.scalar(text("SELECT count(*) FROM doses")) or 1)
        parts = {str(each.part) or "heap": float(each.size) / rows for each in connection.execute(_SIZES)}
        return {"total": float(connection.scalar(_TOTAL) or 0) / rows, **parts}


def copy(ground: Ground) -> dict[str, float]:
    """The same rows into the same table, as fast as PostgreSQL takes them: no rule, no conflict, one transaction."""
    file, engine = ground.folder / "doses.copy", ground.engine
    with psycopg.connect(ground.database_url) as connection:
        _out(connection, file)
        connection.execute("TRUNCATE doses")
        connection.commit()
        prepared(engine)
        cpu, began = meters.cpu_seconds(ground.postgres_pid), time.perf_counter()
        rows = _in(connection, file)
        connection.commit()
        seconds = time.perf_counter() - began
    file.unlink()
    used = meters.cpu_seconds(ground.postgres_pid) - cpu
    return {"rows": rows, "rows_per_s": rows / seconds, "postgres_us_per_row": used / rows * 1e6}


def _out(connection: "psycopg.Connection[Any]", file: Path) -> None:
    query = f"COPY (SELECT * FROM doses LIMIT {COPIED_AT_MOST}) TO STDOUT (FORMAT binary)"
    with file.open("wb") as target, connection.cursor() as cursor, cursor.copy(query) as source:
        for block in source:
            target.write(block)


def _in(connection: "psycopg.Connection[Any]", file: Path) -> int:
    query = "COPY doses FROM STDIN (FORMAT binary)"
    with file.open("rb") as source, connection.cursor() as cursor, cursor.copy(query) as target:
        while block := source.read(1 << 18):
            target.write(block)
    return cursor.rowcount
