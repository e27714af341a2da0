"""Somebody who takes one dose after another over HTTP, whatever happens, and remembers what they were told.

Every answer of 200 is a promise, kept here and not in the database: at the end each of them must stand there, and what
was never acknowledged must be there whole or not at all.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2 as httpx
from sqlalchemy import Engine, text

from tests.support.callers import Caller

_STANDS = text(
    "SELECT l.status, (SELECT count(*) FROM inventory_history h WHERE h.log_id = l.id) AS entries FROM reminder_logs l"
    " WHERE l.dose_id = :dose_id AND l.superseded_at IS NULL"
)


@dataclass
class Taking:
    """`acknowledged`: doses answered with 200. `heard`: how often each status came; 0 where the connection broke."""

    caller: Caller
    open: list[int]
    acknowledged: list[int] = field(default_factory=list)
    heard: Counter[int] = field(default_factory=Counter)
    retry_after: set[str | None] = field(default_factory=set)

    @classmethod
    def of_many(cls, caller: Caller, *, doses: int, name: str = "ada") -> "Taking":
        """A new person with so many doses open now, one reminder each, and stock for all of them."""
        zone = "Africa/Abidjan" if 2 <= datetime.now(UTC).hour < 22 else "Asia/Tokyo"  # not at midnight
        person = caller.join(name, time_zone=zone)
        medicine = person.add_medicine(current_stock=doses, min_stock_alert=0)
        for each in range(doses):
            person.add_reminder(medicine, seconds=-each - 1)
        found = person.get("/doses", params={"per_page": 100})["items"]
        return cls(person, [each["id"] for each in found])

    def take_one(self) -> int:
        """The next dose; one that was not acknowledged is taken again later. The status, or 0."""
        dose_id = self.open.pop(0)
        try:
            answer = self.caller.call("POST", f"/doses/{dose_id}/take")
        except httpx.HTTPError:
            status = 0
        else:
            status = answer.status_code
            if status == 503:
                self.retry_after.add(answer.headers.get("Retry-After"))
        self.heard[status] += 1
        if status == 200:
            self.acknowledged.append(dose_id)
        else:
            self.open.append(dose_id)
        return status

    @contextmanager
    def going_on(self, pause_seconds: float = 0.02) -> Iterator[None]:
        """In a thread of their own, until there is nothing left to take or this ends."""
        stop = threading.Event()

        def take() -> None:
            while self.open and not stop.wait(pause_seconds):
                self.take_one()

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(60)

    def finish(self) -> None:
        """Take what is left, now that all is well."""
        for _ in range(len(self.open)):
            assert self.take_one() == 200

    @property
    def statuses(self) -> set[int]:
        return set(self.heard)

    def assert_kept(self, engine: Engine) -> None:
        """What was acknowledged stands, with one entry of stock each; what was not is there whole or not at all."""
        with engine.connect() as connection:
            stands = {
                each: connection.execute(_STANDS, {"dose_id": each}).one_or_none()
                for each in [*self.acknowledged, *self.open]
            }
        lost = [each for each in self.acknowledged if (row := stands[each]) is None or row.status != "taken"]
        assert not lost, f"acknowledged as taken, and not kept: {lost}"
        half = [each for each, row in stands.items() if row is not None and (row.status, row.entries) != ("taken", 1)]
        assert not half, f"kept, but not whole: {half}"
