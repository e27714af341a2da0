"""`postmaster.pid` left behind: PostgreSQL's own lock, put right where PostgreSQL alone would refuse for ever.

Its number may have been given to another program since (the usual case after a container restart), or belong to a
zombie. The file is never deleted: its other lines let PostgreSQL notice backends that still hold the data. Only the
number is replaced by one that cannot exist, after which PostgreSQL makes its own checks.
"""

import os
import signal
from pathlib import Path

from ops import processes
from ops.refusal import Refusal

_NOBODYS_PID = 2_147_483_646
_STOP_SECONDS = 20.0


def settle(data_dir: Path) -> None:
    """Call it with the stack's lock held: a live postmaster found here is an orphan of ours, and is stopped."""
    path = data_dir / "postmaster.pid"
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return  # none, or unreadable: PostgreSQL says which in its own words
    if is_postmaster(pid, data_dir):
        _stop(pid, data_dir)
    elif processes.is_alive(pid) or Path(f"/proc/{pid}").exists():
        path.write_text("".join([f"{_NOBODYS_PID}\n", *lines[1:]]), encoding="utf-8")


def is_postmaster(pid: int, data_dir: Path) -> bool:
    command = processes.command_line(pid)
    return processes.is_alive(pid) and "postgres" in command and f"-D {data_dir} " in f"{command} "


def _stop(pid: int, data_dir: Path) -> None:
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return
    except PermissionError:
        raise Refusal(f"A PostgreSQL of another user (process {pid}) runs on {data_dir}: stop it first.") from None
    if not processes.wait_gone(pid, _STOP_SECONDS):
        raise Refusal(f"A PostgreSQL left from before (process {pid}) runs on {data_dir} and does not stop.")
