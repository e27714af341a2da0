"""The stack's hand on its supervisor: start it, start programs, ask how they are, stop everything.

However `supervised` is left, nothing stays behind: it waits for the ordered stop, kills a supervisor that is over
time (then the tethers end the programs), and clears away what outlived it.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from ops import processes, strays, tether
from ops.keyring import write_private
from ops.programs import Group, configuration
from ops.refusal import Refusal
from ops.wishes import REPO

_SOCKET_PATH_LONGEST = 90  # the kernel allows 104 to 108 bytes
_COMMENT = re.compile(r"\s[#;]")  # what would begin a comment in the supervisor's configuration
STOP_SECONDS = 9.0  # the programs' own waits, and the supervisor's
STRAY_SECONDS = 0.7
_START_SECONDS = 20.0
_FAILURES = 3
_GONE = "The supervisor ended unexpectedly, and everything it ran with it: start again."


class Steering:
    def __init__(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        self._process = process
        self._socket = socket
        self._failures: dict[str, set[int]] = {}
        self._wait_answer()

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """A new connection each time: after a failed call the transport cannot be used again."""
        transport: Any = SupervisorTransport("", "", f"unix://{self._socket}")
        try:
            with closing(transport):
                yield ServerProxy("http://127.0.0.1", transport=transport).supervisor
        except (OSError, HTTPException, ProtocolError):
            raise Refusal(_GONE) from None

    def _wait_answer(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.is_running():
            with suppress(Refusal, Fault), self._asking() as supervisor:
                supervisor.getState()
                return
            time.sleep(0.05)
        raise Refusal("The supervisor did not start.")

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_running(self) -> bool:
        return self._process.poll() is None

    def start(self, group: Group) -> None:
        with self._asking() as supervisor:
            for program in group.programs:
                supervisor.startProcess(f"{group.name}:{program.name}", False)

    def states(self) -> dict[str, str]:
        """Such as `{"api": "RUNNING"}`."""
        return {each["name"]: each["statename"] for each in self._programs()}

    def is_trying(self, name: str) -> bool:
        """False once the program has died at three starts in a row, or the supervisor is gone. Ask it again and again:
        it counts what it is shown."""
        if not self.is_running():
            return False
        failures = self._failures.setdefault(name, set())
        failures.update(
            each["start"] for each in self._programs() if each["name"] == name and each["statename"] == "BACKOFF"
        )
        return len(failures) < _FAILURES

    def _programs(self) -> list[dict[str, Any]]:
        with self._asking() as supervisor:
            return list(supervisor.getAllProcessInfo())

    def wait(self, seconds: float) -> bool:
        """True when the supervisor still runs after `seconds`; it does not end by itself, so else it is a `Refusal`."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            raise Refusal(_GONE)
        return True


@contextmanager
def supervised(groups: list[Group], run_dir: Path, environment: dict[str, str], lock: int) -> Iterator[Steering]:
    """A supervisor over `groups`, none of them started; stopped, with all it started, on the way out."""
    config = run_dir / "supervisord.conf"
    with _socket_folder(run_dir) as folder:
        socket = folder / "supervisor.sock"
        socket.unlink(missing_ok=True)
        write_private(config, configuration(groups, socket))
        process = _spawn(config, environment, lock)
        try:
            yield Steering(process, socket)
        finally:
            with processes.undisturbed():
                processes.stop_child(process, "TERM", STOP_SECONDS)
                strays.clear(Path(environment["PILLIO_HOME"]), STRAY_SECONDS)


def _spawn(config: Path, environment: dict[str, str], lock: int) -> subprocess.Popen[bytes]:
    argv = tether.command("TERM", [sys.executable, "-m", "ops.overseer", str(config)])
    return subprocess.Popen(
        argv, cwd=REPO, env=environment, stdin=subprocess.DEVNULL, pass_fds=(lock,), process_group=0
    )


@contextmanager
def _socket_folder(run_dir: Path) -> Iterator[Path]:
    """A socket's path is short by law of the kernel, and plain; a data folder's need not be."""
    is_short = len(bytes(run_dir)) <= _SOCKET_PATH_LONGEST - len("/supervisor.sock.12345")
    if is_short and not _COMMENT.search(str(run_dir)):
        yield run_dir
        return
    with tempfile.TemporaryDirectory(prefix="pillio-") as folder:
        yield Path(folder)
