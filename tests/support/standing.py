"""A clock that stands where a test puts it: what the API reads, and what a worker's tick would do at that instant."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from tests.support import sweeps

MORNING = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga, a Tuesday


class StandingClock:
    """`now` is what the API takes for the instant of every request."""

    def __init__(self, app: FastAPI, committed: sessionmaker[Session]) -> None:
        self._app, self._committed = app, committed
        self.now = MORNING

    @contextmanager
    def standing(self) -> Iterator["StandingClock"]:
        from api.asking import instant

        with self._committed.begin() as session:
            sweeps.wind_back(session, to=self.now)
        self._app.dependency_overrides[instant] = lambda: self.now
        try:
            yield self
        finally:
            del self._app.dependency_overrides[instant]

    def stand(self, instant: str) -> None:
        """Put it to this instant (ISO 8601, with an offset), without a worker looking."""
        self.now = datetime.fromisoformat(instant).astimezone(UTC)

    def move(self, **by: float) -> None:
        """On by so many `minutes`, `hours` or `days`, without a worker looking."""
        self.now += timedelta(**by)

    def tick(self) -> None:
        """What a worker does at this instant: claim, close, wake."""
        with self._committed.begin() as session:
            sweeps.sweep(session, now=self.now)
