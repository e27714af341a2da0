"""The whole of Pillio on one machine, started as an operator starts it, in a folder and on ports of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

from ops.ports import free_port
from tests.support.callers import Caller

REPO = Path(__file__).resolve().parent.parent.parent
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
_OPERATORS_OWN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")  # this machine's must not reach the stack


@dataclass
class Stack:
    home: Path
    process: subprocess.Popen[str]
    port: int
    stream_port: int
    flower_port: int
    lines: list[str] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream(self) -> str:
        return f"http://127.0.0.1:{self.stream_port}/api/v1/notifications/stream"

    @property
    def flower(self) -> str:
        return f"http://127.0.0.1:{self.flower_port}"

    @contextmanager
    def caller(self) -> Iterator[Caller]:
        with httpx.Client(base_url=self.api, timeout=30) as client:
            yield Caller(client)

    def pids(self, *words: str) -> list[int]:
        """Processes of this stack whose command line has all these words; all of them without words."""
        mark = b"PILLIO_HOME=" + bytes(self.home)
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            try:
                is_ours = mark in (each / "environ").read_bytes().split(b"\0")
                command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if is_ours and command and all(word in command for word in words):
                found.append(int(each.name))
        return found

    def kill(self, *words: str) -> list[int]:
        """kill -9 of every process of this stack that matches; returns which."""
        pids = self.pids(*words)
        assert pids, f"no process of this stack runs {words}"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not any("Pillio is ready" in line for line in self.lines):
            assert self.process.poll() is None, "\n".join(self.lines)
            assert time.monotonic() < deadline, "\n".join(self.lines)
            time.sleep(0.1)

    def stop(self, name: str = "TERM") -> int:
        """Its exit code; everything it started is gone by then, or this raises."""
        self.process.send_signal(signal.Signals[f"SIG{name}"])
        code = self.process.wait(STOP_SECONDS)
        assert self.pids() == [], "something was left behind"
        return code


@contextmanager
def running(home: Path, **environment: str) -> Iterator[Stack]:
    """Ready on entering; stopped on leaving, whatever happened."""
    ports = [free_port() for _ in range(3)]
    names = dict(zip(("PORT", "STREAM_PORT", "FLOWER_PORT"), map(str, ports), strict=True))
    inherited = {name: value for name, value in os.environ.items() if name not in _OPERATORS_OWN}
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "up"],
        cwd=REPO,
        env=inherited | names | {"PILLIO_HOME": str(home), "BCRYPT_ROUNDS": "4"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stack = Stack(home, process, *ports)
    reader = threading.Thread(target=_collect, args=(stack,), daemon=True)
    reader.start()
    try:
        stack.wait_ready()
        yield stack
    finally:
        if process.poll() is None:
            stack.stop()
        reader.join(STOP_SECONDS)


def _collect(stack: Stack) -> None:
    assert stack.process.stdout
    with stack.process.stdout as output:
        for line in output:
            stack.lines.append(line.rstrip())
