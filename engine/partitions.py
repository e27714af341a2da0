"""Partitions made ahead of the rows. Days for doses, months for what is kept longer.

Every partitioned table has a default partition, so that a row is never refused because a partition is late;
when its partition is made, the rows that waited in the default move into it in the same transaction.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

AHEAD = {"day": timedelta(days=8), "month": timedelta(days=62)}
BEHIND = {"day": timedelta(days=3), "month": timedelta(days=62)}


@dataclass(frozen=True)
class Partitioned:
    table: str
    column: str
    span: Literal["day", "month"]


TABLES = (
    Partitioned("doses", "key_date", "day"),
    Partitioned("notifications", "key_date", "month"),
    Partitioned("events", "recorded_at", "month"),
    Partitioned("deliveries", "recorded_at", "month"),
)


def spans(span: Literal["day", "month"], today: date) -> list[tuple[date, date]]:
    """The half-open date ranges that should exist around `today`."""
    start = today - BEHIND[span]
    if span == "month":
        start = start.replace(day=1)
    found = []
    while start <= today + AHEAD[span]:
        after = start + timedelta(days=1) if span == "day" else (start + timedelta(days=32)).replace(day=1)
        found.append((start, after))
        start = after
    return found


def name_of(kind: Partitioned, start: date) -> str:
    return f"{kind.table}_{start:%Y%m%d}" if kind.span == "day" else f"{kind.table}_{start:%Y%m}"


def make_ahead(session: Session, *, now: datetime) -> int:
    """Make what is missing around `now`; returns how many were made. Safe to run twice at once."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('pillio.partitions'))"))
    existing = set(session.scalars(text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid")))
    made = 0
    for kind in TABLES:
        for start, after in spans(kind.span, now.date()):
            if name_of(kind, start) not in existing:
                _make(session, kind, start, after)
                made += 1
    return made


def _make(session: Session, kind: Partitioned, start: date, after: date) -> None:
    name = name_of(kind, start)
    inside = f"{kind.column} >= '{start}' AND {kind.column} < '{after}'"
    # Held before the rows move: one that another transaction is writing would be in there when the partition comes.
    session.execute(text(f"LOCK TABLE {kind.table}_default IN ACCESS EXCLUSIVE MODE"))
    session.execute(text(f"CREATE TABLE {name} (LIKE {kind.table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"))
    session.execute(
        text(
            f"WITH moved AS (DELETE FROM {kind.table}_default WHERE {inside} RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved"
        )
    )
    session.execute(
        text(f"ALTER TABLE {kind.table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{after}')")
    )
