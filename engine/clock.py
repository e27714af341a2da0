"""The only place that reads the wall clock. Everything below an edge is handed the instant it works at."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant in UTC, read once per request, task or tick."""
    return datetime.now(UTC)
