"""What a run costs: CPU of a server's processes, memory of a worker's, WAL written, and the machine it ran on."""

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from sqlalchemy import Engine, text

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Peak:
    """The most seen while it was watched."""

    rss_mb: float = 0.0


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for each in _PROC.glob("[0-9]*"):
        stat = _stat(int(each.name))
        if stat:
            children.setdefault(int(stat[1]), []).append(int(each.name))
    found, waiting = [], [pid]
    while waiting:
        each_pid = waiting.pop()
        found.append(each_pid)
        waiting += children.get(each_pid, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Used so far by a process, all below it, and those below it that have ended."""
    total = 0.0
    for each in family(pid):
        stat = _stat(each)
        if stat:
            total += sum(int(value) for value in stat[11:15]) / _TICKS  # its own and its reaped children's
    return total


def rss_mb(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return total


@contextmanager
def watching(*roots: int, every_seconds: float = 0.2) -> Iterator[Peak]:
    """The peak of resident memory of these process trees, summed."""
    peak, stop = Peak(), threading.Event()

    def look() -> None:
        while not stop.wait(every_seconds):
            peak.rss_mb = max(peak.rss_mb, rss_mb([pid for root in roots for pid in family(root)]))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def wal_bytes(engine: Engine) -> int:
    """Written since the cluster was made."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")) or 0)


def broker_peak_mb(redis_url: str) -> float:
    with redis.Redis.from_url(redis_url) as client:
        info = client.info("memory")
    assert isinstance(info, dict)
    return float(info["used_memory_peak"]) / 1024**2


def machine() -> str:
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}, load {load}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
