"""docker-compose.yml as Compose reads it, as far as that can be without Compose: variables filled in, defaults taken.

And a service's command run here, in its environment, as its container would run it.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.architecture.house import ROOT

SECRETS = {
    "SECRET_KEY": "a-key-for-tests-only-of-32-bytes-or-more",
    "POSTGRES_PASSWORD": "postgres-password-for-tests",
    "VALKEY_PASSWORD": "valkey-password-for-tests",
    "FLOWER_PASSWORD": "flower-password-for-tests",
}
STOP_SECONDS = 60.0
_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(:-|:\?)([^}]*)\}|\$")

Service = Mapping[str, Any]


class NotSet(Exception):
    """A variable without which Compose starts nothing."""


def variables() -> dict[str, str | None]:
    """Every variable the file asks for, and its default; None if it must be set, empty if it may be left out."""
    asked = {found[1]: None if found[2] == ":?" else found[3] for found in _VARIABLE.finditer(_TEXT) if found[1]}
    passed_on = {name: "" for name, value in read()["x-settings"].items() if value is None}
    return asked | passed_on


def read(given: Mapping[str, str] = SECRETS) -> dict[str, Any]:
    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        assert found[1], f"a $ that Compose would not understand: {_TEXT[found.start() : found.end() + 20]}"
        if value := given.get(found[1]):
            return value
        if found[2] == ":?":
            raise NotSet(f"{found[1]} {found[3]}")
        return found[3]

    document: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(fill, _TEXT))
    return document


def services(given: Mapping[str, str] = SECRETS) -> dict[str, Service]:
    found: dict[str, Service] = read(given)["services"]
    return found


def command(service: Service) -> list[str]:
    """As a list, however it is written."""
    written = service["command"]
    return shlex.split(written) if isinstance(written, str) else list(written)


def seconds(text: str) -> float:
    """Of a duration such as `15s`."""
    assert text.endswith("s"), text
    return float(text.removesuffix("s"))


@contextmanager
def running(
    argv: list[str], environment: Mapping[str, str | None], folder: Path, name: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A command in the environment of a service, and nothing of ours; told to stop at the end, and waited for."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder)}
    given = {key: value for key, value in environment.items() if value is not None}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            argv, cwd=ROOT, env=own | given, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            raise
