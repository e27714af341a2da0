"""Which local days a rule speaks of: the filters, and their arithmetic on day ordinals.

A filter answers for any stretch of days, however far from the rule's start, without walking there. Days are proleptic
Gregorian ordinals (date.toordinal), in which every Monday is 1 modulo 7. A new filter is a dataclass here, a branch in
`selected` and in `longest_wait`, and its JSON in `codec`.
"""

from dataclasses import dataclass
from enum import IntEnum

from schedules.errors import RuleError

WEEK = 7
MOST_DAYS_APART = 365


class Weekday(IntEnum):
    """ISO's numbers; the names are RFC 5545's and our JSON's."""

    MO = 1
    TU = 2
    WE = 3
    TH = 4
    FR = 5
    SA = 6
    SU = 7


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day."""


@dataclass(frozen=True, slots=True)
class Weekdays:
    """The same days of every week; at least one."""

    on: frozenset[Weekday]

    def __post_init__(self) -> None:
        if not self.on:
            raise RuleError("no_weekday", "Choose at least one day of the week.", "days.weekdays")


@dataclass(frozen=True, slots=True)
class EveryNDays:
    """The rule's start date and every n-th day from it, 1 to 365."""

    n: int

    def __post_init__(self) -> None:
        if not 1 <= self.n <= MOST_DAYS_APART:
            detail = f"The number of days between doses must be from 1 to {MOST_DAYS_APART}."
            raise RuleError("bad_interval_days", detail, "days.every_n_days")


DayFilter = Daily | Weekdays | EveryNDays
Days = range | tuple[int, ...]  # ordinals, ascending; hashable


def selected(days: DayFilter, anchor: int, first: int, last: int) -> Days:
    """The chosen days in first..last, both included. `anchor` sets the phase, it is not a bound."""
    match days:
        case Daily():
            return range(first, last + 1)
        case EveryNDays(n):
            return range(first + (anchor - first) % n, last + 1, n)
        case Weekdays(on):
            monday = first - (first - Weekday.MO) % WEEK
            offsets = sorted(day - Weekday.MO for day in on)
            weeks = range(monday, last + 1, WEEK)
            return tuple([day for week in weeks for offset in offsets if first <= (day := week + offset) <= last])


def first_alike(days: DayFilter, anchor: int, since: int) -> int:
    """The first anchor from `since` on that selects the same days as `anchor`: rules that have it in common select
    alike."""
    match days:
        case EveryNDays(n):
            return since + (anchor - since) % n
        case Daily() | Weekdays():
            return since


def longest_wait(days: DayFilter) -> int:
    """No stretch of this many days is without a chosen one."""
    match days:
        case Daily():
            return 1
        case EveryNDays(n):
            return n
        case Weekdays():
            return WEEK


def is_weekly_or_rarer(days: DayFilter) -> bool:
    """Chosen days are never less than a week apart."""
    match days:
        case Daily():
            return False
        case EveryNDays(n):
            return n >= WEEK
        case Weekdays(on):
            return len(on) == 1
