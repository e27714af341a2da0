"""The only place that reads a wall clock: this process's, and the database's to compare it with.

Everything below an edge is handed the instant it works at. A clock that has been set wrong would tell everybody early
or call everything missed; so each sweep asks first whether the two clocks agree, and does nothing while they do not.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

AGREE_WITHIN = timedelta(seconds=5)
_DATABASE = text("SELECT clock_timestamp()")


def now() -> datetime:
    """The present instant in UTC, read once per request, task or tick."""
    return datetime.now(UTC)


def of_database(session: Session) -> datetime:
    """What the database's clock shows. For the comparison only: nothing is ever told by it."""
    shown: datetime = session.execute(_DATABASE).scalar_one()
    return shown


def ahead(session: Session) -> timedelta:
    """How far this process's clock is ahead of the database's; negative if it is behind."""
    return now() - of_database(session)


def agrees(session: Session) -> bool:
    """No more than five seconds apart."""
    return abs(ahead(session)) <= AGREE_WITHIN
