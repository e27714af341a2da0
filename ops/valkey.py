"""A Valkey server in a folder of ours: the queue and the wake-up calls. Same promises as `ops.postgres`.

Everything is in a configuration file only its owner can read, because arguments are visible to everybody. What is
queued is fsynced once a second; nothing is ever evicted.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops import binaries, tether
from ops.keyring import write_private
from ops.ports import LOOPBACK
from ops.refusal import Refusal

STOP_SIGNAL = "TERM"
ONCE = Retry(NoBackoff(), 0)  # the client's own ten tries would make every "not yet" cost seconds
_PACE_SECONDS = 0.02


@dataclass(frozen=True)
class Server:
    data_dir: Path
    port: int
    password: str = field(repr=False)
    durable: bool = True

    @property
    def config(self) -> Path:
        return self.data_dir / "valkey.conf"

    @property
    def log(self) -> Path:
        """Warnings only; among them advice about the machine that would look like trouble on a terminal."""
        return self.data_dir / "valkey.log"

    def url(self, database: int = 0) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def command(self) -> list[str]:
        """What to run in the foreground, tied to its parent. `prepare` first."""
        return tether.command(STOP_SIGNAL, [str(binaries.valkey_server()), str(self.config)])


def prepare(server: Server) -> None:
    try:
        server.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(server.config, _configuration(server))
    except OSError:
        raise Refusal(f"{server.data_dir} cannot be written by this user.") from None


def _configuration(server: Server) -> str:
    settings = {
        "bind": LOOPBACK,
        "port": str(server.port),
        "dir": _quoted(server.data_dir),
        "requirepass": server.password,
        "daemonize": "no",
        "appendonly": "yes" if server.durable else "no",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "databases": "64",
        "loglevel": "warning",
        "logfile": _quoted(server.log),
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def start(server: Server, seconds: float = 30) -> subprocess.Popen[bytes]:
    """Starts a prepared server as our child and waits for it. Stop it with `processes.stop_child`."""
    with server.log.open("ab") as log:
        process = subprocess.Popen(
            server.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, cwd="/"
        )
    try:
        wait_ready(server, lambda: process.poll() is None, seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def wait_ready(server: Server, is_running: Callable[[], bool], seconds: float = 30) -> None:
    """Returns when the server has read its data, answers on its port *and* is this one."""
    deadline = time.monotonic() + seconds
    reason = "no answer"
    while time.monotonic() < deadline:
        if not is_running():
            raise Refusal(f"Valkey stopped while starting on {server.data_dir}: {server.log} says why.")
        try:
            _refuse_stranger(server)
            return
        except redis.AuthenticationError:
            raise Refusal(f"Another Redis or Valkey answers on port {server.port}.") from None
        except redis.RedisError as error:
            reason = str(error)
        time.sleep(_PACE_SECONDS)
    raise Refusal(f"Valkey did not start within {seconds:.0f} s ({reason}).")


def _refuse_stranger(server: Server) -> None:
    client = redis.Redis(
        host=LOOPBACK, port=server.port, password=server.password, socket_timeout=2, retry=ONCE, decode_responses=True
    )
    with client:
        where = str(client.config_get("dir")["dir"])
    if Path(where).resolve() != server.data_dir.resolve():
        raise Refusal(f"Another Valkey answers on port {server.port}: nothing was written to it.")
