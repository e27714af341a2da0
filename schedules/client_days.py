"""The React client's day numbers (Sunday = 0 … Saturday = 6) and ours (ISO, Monday = 1 … Sunday = 7).

The only place where the two meet. Taking the client's numbers for Python's (Monday = 0) makes every dose a day late.
"""

from collections.abc import Iterable

from schedules.days import Weekday
from schedules.errors import RuleError

_SUNDAY = 0
_SATURDAY = 6


def from_client(numbers: Iterable[int]) -> frozenset[Weekday]:
    """In any order, repeats allowed. RuleError `bad_weekday` outside 0..6. Nothing chosen is an empty set."""
    return frozenset(_weekday(number) for number in numbers)


def to_client(weekdays: Iterable[Weekday]) -> list[int]:
    """Ascending, as the client draws them: Sunday first."""
    return sorted(day % Weekday.SU for day in weekdays)


def _weekday(number: int) -> Weekday:
    if not _SUNDAY <= number <= _SATURDAY:
        raise RuleError(
            "bad_weekday", "Days of the week are numbered from 0 (Sunday) to 6 (Saturday).", "specific_days"
        )
    return Weekday(number or Weekday.SU)
