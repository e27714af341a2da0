"""Reminders for benchmarks, in bulk: people of eight zones, each with four rules of a stated mix.

Of a hundred rules 45 are daily, 15 twice and 10 three times a day, 20 on some weekdays, 10 every few days; a fifth
has a last day. That makes 1.2 doses a rule and day. Times are quarters of an hour, eight o'clock the favourite.
"""

import json
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, text

from benchmarks import population
from benchmarks.population import SHARD_SQL
from engine import partitions
from engine.db import run

RULES_A_PERSON = 4
ZONES = (
    *("Europe/Riga", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles"),
    *("America/Santiago", "Australia/Sydney", "Pacific/Auckland"),
)
KINDS = {"once": 45, "twice": 15, "three_times": 10, "weekdays": 20, "every_n_days": 10}
_WEEKDAYS = (["MO", "TU", "WE", "TH", "FR"], ["MO", "WE", "FR"], ["TU", "TH"], ["SA", "SU"], ["SU"])
_APART_HOURS = {"twice": (0, 12), "three_times": (0, 6, 12)}
_QUARTERS = [(hour, minute) for hour in range(6, 23) for minute in (0, 15, 30, 45)]
_POPULAR = {(8, 0): 40, (7, 0): 15, (9, 0): 15, (12, 0): 8, (18, 0): 8, (20, 0): 12, (21, 0): 10, (22, 0): 10}
_CHUNK = 20_000

_PERSON = f"(i - 1) / {RULES_A_PERSON} + 1"
_ZONES = f"UPDATE users SET time_zone = (CAST(:zones AS text[]))[1 + id % {len(ZONES)}]"
_MEDICINES = (
    "INSERT INTO medicines (id, user_id, name, name_key, dosage, form, unit, created_at, updated_at)"
    f" OVERRIDING SYSTEM VALUE SELECT i, {_PERSON}, 'M' || i, 'm' || i, '500 mg', 'tablet', 'tablets', :now, :now"
    " FROM generate_series(1, :n) i"
)
_STOCKS = (
    "INSERT INTO stocks (medicine_id, user_id, on_hand, min_stock_alert, seq, updated_at)"
    f" SELECT i, {_PERSON}, 100, 5, 0, :now FROM generate_series(1, :n) i"
)
_REMINDERS = (
    "INSERT INTO reminders"
    " (id, user_id, shard, medicine_id, version, is_active, planned_through_at, created_at, updated_at)"
    f" OVERRIDING SYSTEM VALUE SELECT i, {_PERSON}, {SHARD_SQL.format(f'({_PERSON})')}, i, 1, true, :now, :now, :now"
    " FROM generate_series(1, :n) i"
)
_VERSIONS = (
    "INSERT INTO reminder_versions"
    " (user_id, reminder_id, version, rule, dosage_amount, dosage_unit, recorded_at, recorded_by)"
    f" SELECT {_PERSON}, i, 1, rule, '1', 'tablet', :now, {_PERSON}"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:rules AS jsonb[])) given(i, rule)"
)


def fill(engine: Engine, n: int, *, now: datetime) -> None:
    """`n` rules none of whose doses has a row yet, and all that hangs on them."""
    run(engine, partial(partitions.make_ahead, now=now))
    people = -(-n // RULES_A_PERSON)
    with engine.begin() as connection:
        connection.execute(text(population.USERS), {"n": people, "now": now})
        connection.execute(text(_ZONES), {"zones": list(ZONES)})
        for statement in (_MEDICINES, _STOCKS, _REMINDERS):
            connection.execute(text(statement), {"n": n, "now": now})
        made = rules(now.date())
        for first in range(1, n + 1, _CHUNK):
            ids = range(first, min(first + _CHUNK, n + 1))
            chunk = [json.dumps(next(made)) for _ in ids]
            connection.execute(text(_VERSIONS), {"ids": list(ids), "rules": chunk, "now": now})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def rules(today: date) -> Iterator[dict[str, Any]]:
    """The mix, endless and the same each time; begun within the last two years."""
    chance = random.Random(8)  # noqa: S311 - nothing secret
    number = 0
    while True:
        zone = ZONES[(number // RULES_A_PERSON + 1) % len(ZONES)]
        yield {
            "version": 1,
            "kind": "times",
            "tzid": zone,
            "zone_mode": "home",
            "start_date": (today - timedelta(days=chance.randrange(10, 730))).isoformat(),
            **_times_and_days(chance),
            **_end(chance, today),
        }
        number += 1


def _times_and_days(chance: random.Random) -> dict[str, Any]:
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    amount = chance.choices(["1", "2", "0.5"], [80, 10, 10])[0]
    hour, minute = chance.choices(_QUARTERS, [_POPULAR.get(each, 1) for each in _QUARTERS])[0]
    clocks = sorted(f"{(hour + apart) % 24:02}:{minute:02}" for apart in _APART_HOURS.get(kind, (0,)))
    said: dict[str, Any] = {
        "times": [{"at": at, "amount": amount, "slot": 1440 + place} for place, at in enumerate(clocks)]
    }
    if kind == "weekdays":
        said["days"] = {"weekdays": chance.choice(_WEEKDAYS)}
    elif kind == "every_n_days":
        said["days"] = {"every_n_days": chance.choice([2, 3, 7, 14])}
    return said


def _end(chance: random.Random, today: date) -> dict[str, Any]:
    if chance.randrange(5):
        return {}
    return {"end": {"date": (today + timedelta(days=chance.randrange(5, 365))).isoformat()}}
