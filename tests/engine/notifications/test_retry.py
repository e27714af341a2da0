"""When a message that failed is tried again."""

from datetime import UTC, datetime

import pytest

from engine.notifications.retry import next_try

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 2), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 300), (8, 300), (200, 300)]
)
def test_tries_are_quick_at_first_and_then_five_minutes_apart(attempts: int, seconds: int) -> None:
    assert (next_try(attempts, NOW) - NOW).total_seconds() == seconds
