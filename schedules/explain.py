"""The sentence a pharmacist would write: "1 tablet at 08:00 on Mondays and Thursdays, from 3 March 2026".

English, 24-hour clock, no abbreviations. It says all that the rule says except its zone and slots.
"""

from datetime import date
from decimal import Decimal
from itertools import groupby

from schedules.days import WEEK, Daily, DayFilter, EveryNDays, Weekday, Weekdays
from schedules.quantities import format_amount
from schedules.rules import Rule, TimeOfDay

_DAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Measures (ml, mg) stay as they are; things that are counted take an s.
_REGULAR = ("tablet", "capsule", "drop", "puff", "unit", "spray", "dose", "gram", "application", "injection", "sachet")
_PLURALS = {**{one: f"{one}s" for one in _REGULAR}, "patch": "patches", "suppository": "suppositories"}
_SINGULARS = {many: one for one, many in _PLURALS.items()}


def explain(rule: Rule, unit: str, today: date | None = None) -> str:
    """What the rule asks for, in one sentence without its full stop. Given `today`, a start that has passed is left
    out and so are years that go without saying."""
    words = f"{_doses(rule.times, unit)} {_days(rule.days)}"
    until = rule.end.on if rule.end else None
    year = until.year if until else today.year if today else None
    bounds = []
    if today is None or rule.start_date > today:
        bounds.append(f"from {_date(rule.start_date, without=year)}")
    if until:
        bounds.append(f"until {_date(until, without=today.year if today else None)}")
    return f"{words}, {' '.join(bounds)}" if bounds else words


def _doses(times: tuple[TimeOfDay, ...], unit: str) -> str:
    """Neighbouring times with one amount share it: "1 tablet at 08:00 and 12:00 and 2 tablets at 20:00"."""
    parts = []
    for amount, group in groupby(times, key=lambda each: each.amount):
        clocks = [each.at.isoformat("seconds" if each.at.second else "minutes") for each in group]
        parts.append(f"{_amount(amount, unit)} at {_and(clocks)}")
    return _and(parts)


def _amount(amount: Decimal, unit: str) -> str:
    words = _SINGULARS if amount <= 1 else _PLURALS
    return f"{format_amount(amount)} {words.get(unit, unit)}".rstrip()


def _days(days: DayFilter) -> str:
    match days:
        case Weekdays(on) if len(on) < WEEK:
            return f"on {_and([_DAY_NAMES[day - Weekday.MO] for day in sorted(on)])}"
        case EveryNDays(n) if n > 1:
            return f"every {n} days"
        case Daily() | Weekdays() | EveryNDays():
            return "every day"


def _date(day: date, without: int | None) -> str:
    words = f"{day.day} {_MONTH_NAMES[day.month - 1]}"
    return words if day.year == without else f"{words} {day.year}"


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
