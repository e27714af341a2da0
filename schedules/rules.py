"""The dosing rule: a value that says when, how much and until when, and refuses to be made if it cannot be meant.

A rule knows its zone and its dates but no person, medicine or clock. Everything else in this package is a function of
it. Version 1 has one kind, `times`: clock times on selected days. A new kind adds optional fields here, a check, a
module of arithmetic beside `clock_times`, a branch in `occurrences` and its JSON in `codec`; what is here stays.
"""

from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Literal

from schedules.days import Daily, DayFilter
from schedules.errors import RuleError
from schedules.quantities import check_amount
from schedules.zone_tables import is_zone

VERSION = 1
FIRST_SLOT = 1440  # below it lie the minutes of the day, which number the doses of computed grids
LAST_SLOT = 32_767  # the database keeps slots in a smallint
MOST_TIMES = 24
FIRST_YEAR, LAST_YEAR = 1900, 2200

Kind = Literal["times"]
ZoneMode = Literal["home", "follow"]


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """One of the rule's clock times. `slot` names it for ever: editing `at` moves doses, a new slot makes new ones."""

    at: time
    slot: int
    amount: Decimal

    def __post_init__(self) -> None:
        if self.at.tzinfo is not None or self.at.microsecond:
            raise RuleError("bad_time", "A time of day has hours, minutes and seconds only.", "at")
        if not FIRST_SLOT <= self.slot <= LAST_SLOT:
            raise RuleError("bad_slot", f"A slot is a number from {FIRST_SLOT} to {LAST_SLOT}.", "slot")
        check_amount(self.amount)

    @property
    def second(self) -> int:
        """Seconds since midnight on the clock."""
        return (self.at.hour * 60 + self.at.minute) * 60 + self.at.second


@dataclass(frozen=True, slots=True)
class EndDate:
    """The last local date with doses, included."""

    on: date


End = EndDate  # counts, durations and supplies will join it


@dataclass(frozen=True, slots=True)
class Rule:
    """Clock times on selected days, from a date, perhaps to a date. `times` are kept in the order of the clock."""

    tzid: str
    start_date: date
    times: tuple[TimeOfDay, ...]
    days: DayFilter = field(default_factory=Daily)
    end: End | None = None
    zone_mode: ZoneMode = "home"
    kind: Kind = "times"
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.version != VERSION or self.kind != "times":
            raise RuleError("unknown_kind", "We do not know this kind of rule.", "kind")
        if self.zone_mode != "home":  # accepted later, with a zone history; until then it would silently mean "home"
            raise RuleError("follow_unavailable", "Rules that follow the traveller are not available yet.", "zone_mode")
        _check_zone(self.tzid)
        object.__setattr__(self, "times", tuple(sorted(self.times, key=lambda each: each.at)))
        _check_times(self.times)
        _check_dates(self.start_date, self.end)

    def of(self, tzid: str, start_date: date, end: End | None) -> "Rule":
        """The same rule in another zone and between other days. Only those are checked: the rest has been."""
        _check_zone(tzid)
        _check_dates(start_date, end)
        other, put = object.__new__(Rule), object.__setattr__
        put(other, "tzid", tzid)
        put(other, "start_date", start_date)
        put(other, "times", self.times)
        put(other, "days", self.days)
        put(other, "end", end)
        put(other, "zone_mode", self.zone_mode)
        put(other, "kind", self.kind)
        put(other, "version", self.version)
        return other


def free_slot(*versions: Rule) -> int:
    """The lowest slot above all that these rules use. Give every version of a reminder, or an old slot comes back
    to life under a new meaning."""
    return max((each.slot + 1 for rule in versions for each in rule.times), default=FIRST_SLOT)


def _check_zone(tzid: str) -> None:
    if not is_zone(tzid):
        raise RuleError("unknown_zone", "We do not know this time zone.", "tzid")


def _check_times(times: tuple[TimeOfDay, ...]) -> None:
    if not times:
        raise RuleError("no_time", "Give at least one time of day.", "times")
    if len(times) > MOST_TIMES:
        raise RuleError("too_many_times", f"A rule can have at most {MOST_TIMES} times a day.", "times")
    if len({each.at for each in times}) < len(times):
        raise RuleError("time_twice", "The same time of day is given twice.", "times")
    if len({each.slot for each in times}) < len(times):
        raise RuleError("slot_twice", "Two times of day have the same slot.", "times")


def _check_dates(start: date, end: End | None) -> None:
    _check_year(start, "start_date")
    if end is None:
        return
    _check_year(end.on, "end.date")
    if end.on < start:
        raise RuleError("end_before_start", "The end date lies before the start date.", "end.date")


def _check_year(day: date, where: str) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise RuleError("year_out_of_range", f"The year must be from {FIRST_YEAR} to {LAST_YEAR}.", where)
