"""N doses of N people due at one instant: how late is each told, what does it cost, is any lost or told twice?

`python -m benchmarks.spike --doses 100000 [--json FILE] [--peers eta,apscheduler,scan,skip_locked] [--keep]`

Real workers, PostgreSQL and Valkey, as `make up` runs them. Lateness is from the due instant to the *commit* of the
notification and its message, taken from PostgreSQL's commit timestamps. In the same run, on the same servers, the
designs people would use instead, each writing the same rows.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks import meters, population
from benchmarks.ground import Ground, ground, running, the_worker
from benchmarks.peers import skip_locked
from engine import clock
from ops import programs
from ops.wishes import read_wishes

PATIENCE_SECONDS = 600
PEERS_SLOW_AT_MOST = 20_000  # what takes milliseconds a dose is measured on fewer, and compared at equal N
_OUTCOME = text(
    "SELECT count(*) AS rows, count(DISTINCT n.dose_id) AS told,"
    " (SELECT count(*) FROM outbox) AS queued,"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY late) AS p50_s,"
    " percentile_cont(0.99) WITHIN GROUP (ORDER BY late) AS p99_s, max(late) AS drain_s, min(late) AS first_s"
    " FROM (SELECT dose_id, extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at)::float8 AS late"
    "  FROM notifications WHERE kind = 'due') n"
)
_EMPTY = "TRUNCATE notifications, outbox, deliveries, events, doses, reminder_logs"
_REWIND = (
    "UPDATE shards SET claimed_due_at = '2000-01-01', claimed_id = 0, closed_closes_at = '2000-01-01', closed_id = 0"
)


@dataclass
class Outcome:
    """Of one design at one N. `lost`: doses without a row; `duplicates`: rows beyond one a dose."""

    name: str
    n: int
    doses_per_s: float
    p50_s: float
    p99_s: float
    drain_s: float
    first_s: float
    rows: int
    lost: int
    duplicates: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doses", type=int, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peers", default="eta,apscheduler,scan,skip_locked", help="comma-separated; empty: none")
    parser.add_argument("--keep", action="store_true", help="leave the database running, with our rows in it")
    asked = parser.parse_args()
    if not 1 <= asked.doses <= 5_000_000:
        parser.error("--doses: from 1 to 5,000,000")
    unknown = set(filter(None, asked.peers.split(","))) - PEERS.keys()
    if unknown:
        parser.error(f"--peers: {', '.join(PEERS)}")
    with ground(keep=asked.keep) as here:
        report = measure(here, asked.doses, [name for name in PEERS if name in asked.peers.split(",")])
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=2) + "\n")
    if report["lost"] or report["duplicates"]:
        sys.exit("doses were lost or told twice")


def measure(here: Ground, n: int, peers: list[str]) -> dict[str, Any]:
    print(f"{n:,} doses due at one instant, on {meters.machine()}")
    population.fill(here.engine, n, now=clock.now())
    few = min(n, PEERS_SLOW_AT_MOST)
    others = [PEERS[name](here, n if name == "skip_locked" else few) for name in peers]
    ours_few = _ours(here, few)[0] if peers and few < n else None
    ours, costs = _ours(here, n)
    _show(ours, costs, others, ours_few)
    return {
        **{key: value for key, value in asdict(ours).items() if key != "name"},
        **costs,
        "machine": meters.machine(),
        "ours_at_few": asdict(ours_few) if ours_few else None,
        "peers": [asdict(each) for each in others],
    }


def _ours(here: Ground, n: int) -> tuple[Outcome, dict[str, float]]:
    """The workers and beat of `make up`; the drains are armed by the tick before the instant."""
    due_at = _prepare(here.engine, n, lead_seconds=10 + n / 100_000)
    beat = next(each for each in programs.loop(read_wishes(here.environment)).programs if each.name == "beat")
    (here.folder / "run").mkdir(exist_ok=True)
    with running(here, the_worker(), beat) as started, meters.watching(started[0].pid) as peak:
        _sleep_until(due_at - timedelta(seconds=1))
        cpu, wal = meters.cpu_seconds(here.postgres_pid), meters.wal_bytes(here.engine)
        _sleep_until(due_at)
        _wait(lambda: _has_passed(here.engine, due_at))
        costs = {
            "pg_cpu_us_per_dose": (meters.cpu_seconds(here.postgres_pid) - cpu) / n * 1e6,
            "wal_bytes_per_dose": (meters.wal_bytes(here.engine) - wal) / n,
        }
    costs |= {"worker_rss_mb": peak.rss_mb, "broker_peak_mb": meters.broker_peak_mb(here.redis_url)}
    return _outcome(here.engine, "Pillio", n), costs


def _has_passed(engine: Engine, due_at: datetime) -> bool:
    """Is nothing due left behind any cursor? Asked four times a second: watching must not be what is measured."""
    time.sleep(0.25)
    with engine.connect() as connection:
        is_left = text(
            "SELECT EXISTS (SELECT FROM shards s WHERE EXISTS (SELECT FROM doses d WHERE d.shard = s.shard"
            " AND (d.due_at, d.id) > (s.claimed_due_at, s.claimed_id) AND d.due_at <= :due_at))"
        )
        return not connection.scalar(is_left, {"due_at": due_at})


def _eta(here: Ground, n: int) -> Outcome:
    """The worker holds every message in memory until its instant; publishing must be over by then."""
    due_at = _prepare(here.engine, n, lead_seconds=15 + n / 400)
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.peers.celery_eta", "worker", "-c", "2", "-Q", "eta"]
    with _process(here, command):
        subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.celery_eta", "publish", *_span(due_at, n)],
            env=here.environment, check=True,
        )  # fmt: skip
        _wait(lambda: _told(here.engine) >= n)
    return _outcome(here.engine, "Celery ETA task per dose", n)


def _apscheduler(here: Ground, n: int) -> Outcome:
    due_at = _prepare(here.engine, n, lead_seconds=10 + n / 250)
    with _process(here, [sys.executable, "-m", "benchmarks.peers.apscheduler_jobs", *_span(due_at, n)]):
        _wait(lambda: _told(here.engine) >= n)
    return _outcome(here.engine, "APScheduler job per dose", n)


def _scan(here: Ground, n: int) -> Outcome:
    due_at = _prepare(here.engine, n, lead_seconds=8)
    with _process(here, [sys.executable, "-m", "benchmarks.peers.minute_scan", str(n), due_at.isoformat()]):
        _wait(lambda: _told(here.engine) >= n)
    return _outcome(here.engine, "ORM scan each minute", n)


def _skip_locked(here: Ground, n: int) -> Outcome:
    due_at = _prepare(here.engine, n, lead_seconds=10 + n / 50_000)
    with here.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS peer_jobs"))
        for statement in (*skip_locked.MAKE, skip_locked.FILL):
            connection.execute(text(statement))
    with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE peer_jobs"))
    command = [sys.executable, "-m", "benchmarks.peers.skip_locked", due_at.isoformat()]
    with _process(here, command) as one, _process(here, command) as other:
        _wait(lambda: one.poll() is not None and other.poll() is not None)
    with here.engine.begin() as connection:
        connection.execute(text("DROP TABLE peer_jobs"))
    return _outcome(here.engine, "SKIP LOCKED batches", n)


PEERS: dict[str, Callable[[Ground, int], Outcome]] = {
    "eta": _eta,
    "apscheduler": _apscheduler,
    "scan": _scan,
    "skip_locked": _skip_locked,
}


def _prepare(engine: Engine, n: int, *, lead_seconds: float) -> datetime:
    """An empty past, and `n` doses due at a whole second so far ahead; returns it."""
    with engine.begin() as connection:
        connection.execute(text(_EMPTY))
        connection.execute(text(_REWIND))
    now = clock.now()
    due_at = (now + timedelta(seconds=lead_seconds + 1 + n / 30_000)).replace(microsecond=0)
    population.plan_doses(engine, n, due_at, now=now)
    return due_at


def _span(due_at: datetime, n: int) -> list[str]:
    return [due_at.date().isoformat(), "1", str(n), due_at.isoformat()]


@contextmanager
def _process(here: Ground, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, env=here.environment, stdin=null, stdout=null, stderr=null)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _told(engine: Engine) -> int:
    """Asked for twice a second: counting must not be what is measured."""
    time.sleep(0.5)
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM outbox")) or 0)


def _wait(is_over: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_over():
        if time.monotonic() > deadline:
            return  # what is missing by then is reported as lost
        time.sleep(0.05)


def _sleep_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - clock.now()).total_seconds()))


def _outcome(engine: Engine, name: str, n: int) -> Outcome:
    with engine.connect() as connection:
        row = connection.execute(_OUTCOME).one()
    drain = float(row.drain_s or 0)
    return Outcome(
        name=name,
        n=n,
        doses_per_s=row.told / drain if drain > 0 else 0.0,
        p50_s=float(row.p50_s or 0),
        p99_s=float(row.p99_s or 0),
        drain_s=drain,
        first_s=float(row.first_s or 0),
        rows=int(row.rows),
        lost=n - min(int(row.told), int(row.queued)),
        duplicates=max(int(row.rows), int(row.queued)) - int(row.told),
    )


def _show(ours: Outcome, costs: dict[str, float], others: list[Outcome], ours_few: Outcome | None) -> None:
    print(
        f"{'design':<28}{'doses':>10}{'doses/s':>10}{'first':>8}{'p50':>8}{'p99':>8}{'drain':>8}{'lost':>6}{'twice':>6}"
    )
    for each in (ours, *([ours_few] if ours_few else []), *others):
        print(
            f"{each.name:<28}{each.n:>10,}{each.doses_per_s:>10,.0f}{each.first_s:>8.2f}{each.p50_s:>8.2f}"
            f"{each.p99_s:>8.2f}{each.drain_s:>8.2f}{each.lost:>6}{each.duplicates:>6}"
        )
    for each in others:
        equal = ours if each.n == ours.n or not ours_few else ours_few
        if each.doses_per_s:
            print(f"  at {each.n:,}: {equal.doses_per_s / each.doses_per_s:.1f} × {each.name}")
    for name, value in costs.items():
        print(f"  {name} {value:,.1f}")


if __name__ == "__main__":
    main()
