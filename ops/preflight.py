"""What can be known to be wrong before anything starts: each is one sentence, and nothing has been changed yet."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from engine.settings import SettingsError, load
from ops.ports import LOOPBACK, refuse_taken
from ops.refusal import Refusal
from ops.valkey import ONCE
from ops.wishes import Wishes

_CONNECT_SECONDS = 5


def check_ports(wishes: Wishes) -> None:
    seen: dict[int, str] = {}
    for name, port in wishes.ports.items():
        if port in seen:
            raise Refusal(f"{seen[port]} and {name} are both {port}: give each its own port.")
        seen[port] = name
        refuse_taken(name, LOOPBACK if name == "FLOWER_PORT" else wishes.host, port)


def make_home(home: Path) -> None:
    """Made private on the first start; what is there already keeps its mode. A home in which another user has run
    Pillio is refused before anything of root's is left in it."""
    run = home / "run"
    try:
        if not home.exists():
            home.mkdir(mode=0o700, parents=True)
        run.mkdir(mode=0o700, exist_ok=True)
        _refuse_other_user(home, run)
        probe = run / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refusal(f"PILLIO_HOME {home} cannot be written by this user ({error.strerror}).") from None


def _refuse_other_user(home: Path, run: Path) -> None:
    if run.stat().st_uid != os.geteuid():
        raise Refusal(f"PILLIO_HOME {home} belongs to another user: run as that user, or set one of your own.")


def check_servers(wishes: Wishes) -> None:
    """The operator's own servers, where there are any, must answer now."""
    if wishes.database_url:
        _reach_postgres(wishes.database_url)
    if wishes.redis_url:
        _reach_redis(wishes.redis_url)


def _reach_postgres(url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme.split("+")[0] not in {"postgres", "postgresql"} or not rest:
        raise Refusal("DATABASE_URL must be a PostgreSQL URL such as postgresql://user:password@host/pillio.")
    try:
        psycopg.connect(f"postgresql://{rest}", connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        raise Refusal(
            f"DATABASE_URL is set, but PostgreSQL at {_where(url)} cannot be used: {_ended(_why(error))}"
        ) from None
    except (psycopg.Error, ValueError):
        raise Refusal("DATABASE_URL is not a URL that PostgreSQL understands.") from None


def _why(error: psycopg.Error) -> str:
    """Of several lines (one per address tried, with hints) the last that says what failed."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["it gave no reason"]
    return next((line for line in reversed(lines) if "failed: " in line), lines[0]).rpartition("failed: ")[2]


def _ended(words: object) -> str:
    """As a sentence, whichever way it ended before."""
    text = str(words).strip().rstrip(".")
    return text if text.endswith(("?", "!")) else f"{text}."


def _reach_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=_CONNECT_SECONDS, retry=ONCE) as client:
            client.ping()
    except redis.RedisError as error:
        raise Refusal(f"REDIS_URL is set, but Redis at {_where(url)} cannot be used: {_ended(error)}") from None
    except ValueError:
        raise Refusal("REDIS_URL must be a Redis URL such as redis://host:6379/0.") from None


def _where(url: str) -> str:
    """Host and port, never the user or the password."""
    return urlsplit(url).netloc.rpartition("@")[2] or "its socket"


def check_settings(environment: dict[str, str]) -> None:
    """Takes the environment over as this process's own, and lets the engine judge all of it."""
    os.environ.update(environment)
    load.cache_clear()
    try:
        load()
    except SettingsError as error:
        raise Refusal(_ended(error)) from None
