"""Programs that outlived their supervisor: found by what it wrote into their environment, and ended.

The tether ends most of them with the supervisor; a worker that then waits for a queue that is gone does not come to
an end by itself. Linux only: elsewhere nothing tells a stray from a program of somebody else.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from ops import processes

_PROC = Path("/proc")
_PACE_SECONDS = 0.05


def clear(home: Path, seconds: float) -> None:
    """Call it with the lock of `home` held and no supervisor running. Waits `seconds` for them, then kills."""
    deadline = time.monotonic() + seconds
    while (found := _strays(home)) and time.monotonic() < deadline:
        time.sleep(_PACE_SECONDS)
    for pid in found:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    for pid in found:
        processes.wait_gone(pid, 2)


def _strays(home: Path) -> list[int]:
    marks = {b"SUPERVISOR_ENABLED=1", b"PILLIO_HOME=" + bytes(home)}
    numbers = [int(each.name) for each in _PROC.glob("[0-9]*") if each.name.isdigit()]
    return [pid for pid in numbers if pid != os.getpid() and marks <= _environment(pid) and processes.is_alive(pid)]


def _environment(pid: int) -> set[bytes]:
    try:
        return set((_PROC / str(pid) / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()
