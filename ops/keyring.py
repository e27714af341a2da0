"""Secrets of the one-machine stack: made once, kept in files only their owner can read, never printed.

A secret that is lost is not remade silently where that would lock data away: the server's own check says so.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ops.refusal import Refusal

_BYTES = 32


@dataclass(frozen=True, repr=False)
class Keyring:
    """What the programs and servers need to know of each other."""

    secret_key: str
    postgres: str
    valkey: str


def open_keyring(home: Path) -> Keyring:
    """The three secrets under `home/secrets`, made now if they are not there yet."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Keyring(
        secret_key=_secret(folder / "secret_key"),
        postgres=_secret(folder / "postgres_password"),
        valkey=_secret(folder / "valkey_password"),
    )


def _secret(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_hex(_BYTES) + "\n")
    try:
        path.chmod(0o600)
        value = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise Refusal(f"The secret in {path} cannot be read by this user.") from None
    if not value:
        raise Refusal(f"The secret in {path} is empty: put it back from a backup, or delete the file if data may go.")
    return value


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and never readable by others in between."""
    half = path.with_name(path.name + ".new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
