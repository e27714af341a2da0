"""Pure: when to try a message again. Quick at first, because a reminder ages; then ever more patiently."""

from datetime import datetime, timedelta

BACKOFF_SECONDS = (2, 5, 15, 30, 60, 120, 300)


def next_try(attempts: int, now: datetime) -> datetime:
    """After this many failed attempts (1 or more). Spread by nothing: one relay, few senders."""
    seconds = BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1]
    return now + timedelta(seconds=seconds)
