"""The stack the demo plays on: `pillio up` with data in a temporary folder and ports nobody uses, gone afterwards.

What the operator has set for a stack of their own, in the environment or in `.env`, does not reach this one.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import processes, stack, tether
from ops.demo.telling import Narrator
from ops.ports import LOOPBACK, free_port
from ops.refusal import Refusal
from ops.wishes import REPO, read_wishes

_START_SECONDS = 240.0
_STOP_SECONDS = 15.0  # the stack itself needs less than ten
_OPERATORS = ("PILLIO_", "SMTP_", "EMAILS_", "FLOWER_", "CELERY_", "BCRYPT_")
_OPERATORS_OWN = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "UPLOAD_DIR", "PUBLIC_BASE_URL", "TRUSTED_PROXIES"}


@dataclass(frozen=True)
class Stage:
    home: Path
    ports: dict[str, int]

    @property
    def api(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['PORT']}"

    @property
    def stream(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['STREAM_PORT']}"

    @property
    def flower(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['FLOWER_PORT']}"

    @property
    def log(self) -> Path:
        return self.home / "stack.log"

    def environment(self, given: Mapping[str, str], smtp_port: int) -> dict[str, str]:
        """What is left of the operator's, and what this stage needs. Each name the operator's `.env` may hold and that
        would matter here is given a value, because values win over that file and absence does not."""
        kept = {
            name: value
            for name, value in given.items()
            if not name.startswith(_OPERATORS) and name not in _OPERATORS_OWN
        }
        return kept | {
            "PILLIO_HOME": str(self.home),
            "HOST": LOOPBACK,
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(smtp_port),
            "SMTP_TLS": "none",
            "EMAILS_FROM_EMAIL": "pillio@example.org",
            "ACCESS_TOKEN_EXPIRE_MINUTES": "60",
            "DEADMAN_URL": f"{self.api}/health",  # whoever watches the operator's own stack must not hear of this one
            **{name: str(port) for name, port in self.ports.items()},
        }


@contextmanager
def staged(smtp_port: int, narrator: Narrator) -> Iterator[Stage]:
    """Ready on entering; stopped, and its data deleted, on leaving, however that comes about."""
    with tempfile.TemporaryDirectory(prefix="pillio-demo-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder).resolve(), _choose_ports(smtp_port))
        process = _start(stage, smtp_port)
        try:
            _wait_ready(stage, process, narrator)
            yield stage
        finally:
            narrator.plain("\nThe stage is being cleared.")
            with processes.undisturbed():
                processes.stop_child(process, "TERM", _STOP_SECONDS)


def _choose_ports(smtp_port: int) -> dict[str, int]:
    taken, ports = {smtp_port}, {}
    for name in ("PORT", "STREAM_PORT", "FLOWER_PORT"):
        ports[name] = free_port(taken)
        taken.add(ports[name])
    return ports


def _start(stage: Stage, smtp_port: int) -> subprocess.Popen[bytes]:
    """In a group of its own: Ctrl-C is for the demo, which then stops it in order."""
    argv = tether.command("TERM", [sys.executable, "-m", "ops.demo.stage"])
    with stage.log.open("wb") as log:
        return subprocess.Popen(
            argv,
            cwd=REPO,
            env=stage.environment(os.environ, smtp_port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )


def _wait_ready(stage: Stage, process: subprocess.Popen[bytes], narrator: Narrator) -> None:
    def said() -> str:
        return stage.log.read_text(encoding="utf-8", errors="replace")

    def is_over() -> bool:
        return stack.READY in said() or process.poll() is not None

    narrator.count_up("PostgreSQL, Valkey, the API, the workers and their clock are starting", is_over, _START_SECONDS)
    if stack.READY not in said():
        narrator.plain("\n".join(said().splitlines()[-15:]))
        raise Refusal("The stack of the demo did not start; what it said last is above.")


def main() -> None:
    """The child's side: a stack that does not read `.env`."""
    try:
        stack.up(read_wishes(env_file=Path(os.devnull)))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
