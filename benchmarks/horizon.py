"""Rows of doses made ahead, the sweep that closes them, and the stock they take: how fast, at what cost, how large?

`python -m benchmarks.horizon --rules 100000 [--json FILE]`

N rules of a stated mix (`benchmarks.regimens`) over the code that runs in the workers, on a PostgreSQL of its own that
is as durable as in production. Every figure stands beside the load of the machine when it was taken. In the JSON:

first_fill, daily_roll     rows a second over one connection, CPU of Python and of all of PostgreSQL, WAL a row
replay                     the first fill again over its own rows: `new` must be 0
edit                       one rule moved, in milliseconds
bytes_per_row              `total` with every index, the heap, each index
copy, ratio_to_copy        the same rows into the same table by COPY, and how much of its speed the first fill has
two_connections            first fill and daily roll by two processes at once
closing                    windows closed a second, where nobody answered and where four in five did
stock                      entries a second posted in batches; `replay` posts them again: `done` must be 0
"""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import closing, meters, regimens, rolling, taking
from benchmarks.crew import Crew, Measured, crew
from benchmarks.ground import Ground, ground

NOW = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)  # a week in which no clock is changed anywhere
EDITS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, required=True)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if not 100 <= asked.rules <= 5_000_000:
        parser.error("--rules: from 100 to 5,000,000")
    with ground() as here:
        report = measure(here, asked.rules)
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=2) + "\n")
    if report["replay"]["new"] or report["stock"]["replay"]["done"]:
        sys.exit("a replay was not idempotent")


def measure(here: Ground, n: int) -> dict[str, Any]:
    print(f"{n:,} rules, on {meters.machine()}", flush=True)
    regimens.fill(here.engine, n, now=NOW)
    report: dict[str, Any] = {"rules": n, "machine": meters.machine(), "mix": regimens.KINDS, "zones": regimens.ZONES}
    with crew(here, 1) as one, crew(here, 2) as two:
        report |= _horizon(here, one, two, n)
        report["closing"] = _closing(one, two)
        report["stock"] = _stock(one, two, n)
    return report


def _horizon(here: Ground, one: Crew, two: Crew, n: int) -> dict[str, Any]:
    filled, rolled = rolling.first_fill_and_daily_roll(one, NOW)
    report: dict[str, Any] = {"first_fill": _shown("first fill", filled), "daily_roll": _shown("daily roll", rolled)}
    report["bytes_per_row"] = _told("bytes a row", rolling.bytes_per_row(here.engine))
    report["replay"] = _told("replay", rolling.replay(one, NOW, filled.done))
    report["edit"] = _told("edit", rolling.edits(here.engine, n, times=min(EDITS, n), now=NOW))
    report["copy"] = _told("COPY", rolling.copy(here))
    report["ratio_to_copy"] = filled.per_s / report["copy"]["rows_per_s"]
    filled, rolled = rolling.first_fill_and_daily_roll(two, NOW)
    report["two_connections"] = {
        "first_fill": _shown("first fill, two", filled),
        "daily_roll": _shown("daily roll, two", rolled),
    }
    return report


def _closing(one: Crew, two: Crew) -> dict[str, Any]:
    closing.give_channels(one.ground.engine, now=NOW)
    report = {}
    for name, are_answered in (("nobody_answered", False), ("four_in_five_answered", True)):
        rolling.first_fill_and_daily_roll(one, NOW)
        closing.tell_a_day(one.ground.engine, NOW, are_answered=are_answered)
        alone, together = closing.sweep(one, two, NOW)
        words = name.replace("_", " ")
        report[name] = {
            "one_connection": _shown(f"closing, {words}", alone),
            "two_connections": _shown(f"closing, {words}, two", together),
        }
    return report


def _stock(one: Crew, two: Crew, n: int) -> dict[str, Any]:
    alone, together, again = taking.take(one, two, n, NOW + timedelta(days=1))
    return {
        "one_connection": _shown("stock", alone),
        "two_connections": _shown("stock, two", together),
        "replay": asdict(again),
    }


def _shown(name: str, measured: Measured) -> dict[str, Any]:
    print(
        f"{name:<40}{measured.done:>10,}{measured.per_s:>10,.0f}/s  Python {measured.python_us:5.1f} µs"
        f"  PostgreSQL {measured.postgres_us:5.1f} µs  WAL {measured.wal_bytes:6,.0f} B  load {measured.load:.1f}",
        flush=True,
    )
    return asdict(measured)


def _told(name: str, values: dict[str, float]) -> dict[str, float]:
    print(f"{name:<40}" + "  ".join(f"{key} {value:,.1f}" for key, value in values.items()), flush=True)
    return values


if __name__ == "__main__":
    main()
