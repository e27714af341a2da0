"""What came in by itself, in another thread, in the order it came: to be waited for, never polled for.

Each thing is kept with the moment it arrived. Nothing is ever taken out, so a thing that came before anybody waited
for it is found all the same.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from ops.demo.telling import now

T = TypeVar("T")


@dataclass(frozen=True)
class Arrival(Generic[T]):
    what: T
    at: datetime


class Heard(Generic[T]):
    def __init__(self) -> None:
        self._arrivals: list[Arrival[T]] = []
        self._came = threading.Condition()

    def add(self, what: T) -> None:
        with self._came:
            self._arrivals.append(Arrival(what, now()))
            self._came.notify_all()

    def all(self) -> list[Arrival[T]]:
        with self._came:
            return list(self._arrivals)

    def wait_for(self, fits: Callable[[T], bool], seconds: float, *, after: int = 0) -> Arrival[T] | None:
        """The first that fits, leaving out the `after` first ones; None when none came in time."""

        def found() -> Arrival[T] | None:
            return next((each for each in self._arrivals[after:] if fits(each.what)), None)

        with self._came:
            return self._came.wait_for(found, seconds)
