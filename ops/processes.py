"""Processes by their number: who is alive, what they are, and a stop that is bounded.

A zombie counts as dead: where process 1 reaps slowly it stays in the table long after it has let go of everything.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")
_PACE_SECONDS = 0.02


def is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _state(pid) != "Z"


def _state(pid: int) -> str:
    try:
        if (_PROC / "self").exists():
            return (
                (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
            )
        command = ["ps", "-o", "state=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()[:1] or "Z"
    except (OSError, IndexError):
        return "Z"


def command_line(pid: int) -> str:
    """Arguments joined by spaces; empty when the process is gone or not ours to see."""
    try:
        if (_PROC / "self").exists():
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        command = ["ps", "-o", "command=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def wait_gone(pid: int, seconds: float) -> bool:
    """For a process that is not our child. False when it is still there at the end."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PACE_SECONDS)
    return True


@contextmanager
def undisturbed() -> Iterator[None]:
    """Round a stop on the way out of something else: a key pressed meanwhile must not cut it short."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def stop_child(process: subprocess.Popen[bytes], name: str, seconds: float) -> None:
    """Signals `name`, waits `seconds`, then kills; in every case the child is reaped."""
    if process.poll() is None:
        process.send_signal(signal.Signals[f"SIG{name}"])
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
