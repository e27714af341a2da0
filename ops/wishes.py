"""What the operator asked for: the environment, then `.env` beside it, then the defaults. Read once, checked later.

Only what the stack itself acts on is here; everything else goes to the programs as it is, and `engine.settings`
checks all of it before anything starts.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from ops.refusal import Refusal

REPO = Path(__file__).resolve().parent.parent
_PORTS = {"PORT": "8000", "STREAM_PORT": "8001", "FLOWER_PORT": "5555"}
_HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Wishes:
    """`database_url` and `redis_url`, when set, each switch the embedded server of that kind off."""

    home: Path
    host: str
    ports: dict[str, int]
    database_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    environment: dict[str, str] = field(repr=False)

    @property
    def reach(self) -> str:
        """The address under which this machine reaches the API."""
        return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104

    @property
    def run_dir(self) -> Path:
        return self.home / "run"


def read_wishes(environment: Mapping[str, str] | None = None, env_file: Path = REPO / ".env") -> Wishes:
    given = dict(os.environ if environment is None else environment)
    written = {name: value for name, value in _env_file(env_file).items() if value}
    merged = written | {name: value for name, value in given.items() if value or name not in written}
    return Wishes(
        home=_home(merged.get("PILLIO_HOME") or "var"),
        host=merged.get("HOST") or "127.0.0.1",
        ports={name: _port(name, merged.get(name) or default) for name, default in _PORTS.items()},
        database_url=merged.get("DATABASE_URL") or None,
        redis_url=merged.get("REDIS_URL") or None,
        environment=merged,
    )


def _env_file(path: Path) -> dict[str, str | None]:
    try:
        return dict(dotenv_values(path))
    except (OSError, UnicodeDecodeError):
        raise Refusal(f"{path} cannot be read as text by this user.") from None


def _home(text: str) -> Path:
    if not text.isprintable():
        raise Refusal("PILLIO_HOME holds a line break or another character that cannot be printed: rename the folder.")
    try:
        return (REPO / Path(text).expanduser()).resolve()
    except (RuntimeError, OSError):
        raise Refusal(f"PILLIO_HOME is {text}, which does not lead to a folder.") from None


def _port(name: str, text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= _HIGHEST_PORT:
        raise Refusal(f"{name} must be a number from 1 to {_HIGHEST_PORT}, not '{text}'.")
    return number


def program_environment(wishes: Wishes, database_url: str, redis_url: str, secret_key: str) -> dict[str, str]:
    """Everything a program of ours needs to know, and whatever else the operator had set."""
    return wishes.environment | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": wishes.environment.get("SECRET_KEY") or secret_key,
        "HOST": wishes.host,
        "PILLIO_HOME": str(wishes.home),
        "UPLOAD_DIR": wishes.environment.get("UPLOAD_DIR") or str(wishes.home / "uploads"),
        "PYTHONUNBUFFERED": "1",
        **{name: str(port) for name, port in wishes.ports.items()},
    }
