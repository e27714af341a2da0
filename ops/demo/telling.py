"""How the demo speaks: a clock, a picture, a plain sentence. Whatever Ada would see on her own clock is in her time.

The demo stands outside of Pillio, where people stand, so it looks at the clock itself.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from ops.speaking import write

_PACE_SECONDS = 0.2
_REPEAT_SECONDS = 15.0  # off a terminal, where a line cannot be written over


def now(zone: tzinfo = UTC) -> datetime:
    return datetime.now(zone)  # noqa: TID251  the demo is a person with a watch


def _seconds_to(instant: datetime) -> float:
    return (instant - now()).total_seconds()


class Narrator:
    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def tell(self, picture: str, text: str) -> None:
        write(f"{self._clock()}  {picture} {text}\n")

    def aside(self, text: str) -> None:
        """What belongs to the line above."""
        write(f"{'':8}     {text}\n")

    def chapter(self, number: int, title: str) -> None:
        write(f"\n{number}. {title}\n")

    def plain(self, text: str) -> None:
        write(f"{text}\n")

    def count_down(self, text: str, until: datetime) -> None:
        """Waits for the instant, and shows how far it is."""
        self._wait(lambda: _seconds_to(until), lambda left: f"{text} in {left:.0f} s")

    def count_up(self, text: str, is_over: Callable[[], object], seconds: float) -> None:
        """Waits until it is over, `seconds` at most, and shows for how long already."""
        began = time.monotonic()

        def left() -> float:
            return 0.0 if is_over() else began + seconds - time.monotonic()

        self._wait(left, lambda left: f"{text} ({seconds - left:.0f} s)")

    def _wait(self, seconds_left: Callable[[], float], said: Callable[[float], str]) -> None:
        on_terminal, told_at = os.isatty(1), float("-inf")
        while (left := seconds_left()) > 0:
            if on_terminal:
                write(f"\r{self._clock()}  ⏳ {said(left)} \033[K")
            elif time.monotonic() - told_at >= _REPEAT_SECONDS:
                told_at = time.monotonic()
                self.tell("⏳", said(left))
            time.sleep(min(_PACE_SECONDS, left))
        if on_terminal:
            write("\r\033[K")

    def _clock(self) -> str:
        return f"{now(self._zone):%H:%M:%S}"
