"""Lines on the terminal: who says it, then what. Coloured on a terminal only; `NO_COLOR` is kept.

One write per line, so that the lines of several processes never cut into each other. A reader that has gone away
(`make up | head`) silences us; it does not stop the stack.
"""

import os
import sys

_WIDTH = 8
_COLOURS = {
    "pillio": 1,
    "postgres": 34,
    "valkey": 31,
    "migrate": 33,
    "api": 32,
    "stream": 36,
    "worker": 35,
    "sender": 95,
    "beat": 93,
    "flower": 92,
}


def say(name: str, text: str) -> None:
    """Each line of `text` under `name`."""
    write("".join(f"{_prefix(name)} {line.rstrip()}\n" for line in text.splitlines() or [""]))


def _prefix(name: str) -> str:
    label = f"{name:<{_WIDTH}} |"
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return label
    return f"\033[{_COLOURS.get(name, 0)}m{label}\033[0m"


def write(text: str) -> None:
    """As it is, at once."""
    data = text.encode(errors="replace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return


class Lines:
    """Puts chunks of a program's output back together into lines."""

    _LONGEST = 64 * 1024

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > self._LONGEST:
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            say(self._name, b"\n".join(lines).decode(errors="replace"))

    def end(self) -> None:
        if self._rest:
            say(self._name, self._rest.decode(errors="replace"))
        self._rest = b""
