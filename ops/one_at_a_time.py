"""One stack per data folder. The lock dies with its holders: this process and the supervisor it starts."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops import processes
from ops.refusal import Refusal

_PATIENCE_SECONDS = 15.0
_PACE_SECONDS = 0.1


@contextmanager
def only_one(home: Path) -> Iterator[int]:
    """Holds the lock of `home`; gives its descriptor, for the supervisor to hold as well.

    Refuses at once while another command lives; waits a little while one that was killed is still being cleared away.
    """
    descriptor = os.open(home / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, home)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def is_running(home: Path) -> bool:
    try:
        descriptor = os.open(home / "run" / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _try(descriptor):
        holder = int(os.pread(descriptor, 20, 0) or b"0")
        if processes.is_alive(holder) or time.monotonic() > deadline:
            raise Refusal(f"Pillio already runs on {home} (process {holder}): stop it, or set another PILLIO_HOME.")
        time.sleep(_PACE_SECONDS)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
