"""Pure: the fields of the React client's form, and the rule they stand for. Both ways.

The client knows one time a day and three frequencies; the rule is the truth. A richer rule is shown through
the same fields as nearly as they can say it, and an edit that touches none of them leaves the rule alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from engine.errors import Invalid
from schedules import (
    Daily,
    EndDate,
    EveryNDays,
    Rule,
    RuleError,
    TimeOfDay,
    Weekdays,
    decode,
    encode,
    from_client,
    parse_amount,
    to_client,
)

TIMING = ("reminder_time", "frequency", "specific_days", "interval_days", "start_date", "end_date")
AMOUNT = ("dosage_amount", "dosage_unit")
CLEARED_BY_LEAVING_OUT = ("end_date", "notes", "dosage_amount", "specific_days", "interval_days")
FIRST_SLOT = 1440
DEFAULT_UNIT = "tablet"
GRACE_MINUTES_MAX = 1440  # no window is longer, so the horizon never has to look back further


@dataclass(frozen=True, slots=True)
class ReminderFields:
    """What the form sends. `specific_days` count from Sunday = 0, as the client does."""

    medicine_id: int
    reminder_time: time
    frequency: str
    start_date: date
    specific_days: list[int] | None = None
    interval_days: int | None = None
    end_date: date | None = None
    dosage_amount: str | None = None
    dosage_unit: str = DEFAULT_UNIT
    is_active: bool = True
    notes: str | None = None
    grace_minutes: int | None = None

    def __post_init__(self) -> None:
        if self.grace_minutes is not None and not 1 <= self.grace_minutes <= GRACE_MINUTES_MAX:
            raise Invalid("grace_out_of_range", "The grace period must be between 1 minute and 24 hours.")


def rule_of(form: ReminderFields, time_zone: str, before: Rule | None = None) -> Rule:
    """The rule a form stands for; of one saved `before`, the time that was shown moves and the others stay.

    Raises Invalid with the rule's own words.
    """
    slot, others = (before.times[0].slot, before.times[1:]) if before else (FIRST_SLOT, ())
    try:
        amount = parse_amount(form.dosage_amount) if form.dosage_amount else Decimal(1)
        rule = Rule(
            tzid=time_zone,
            start_date=form.start_date,
            times=(TimeOfDay(at=form.reminder_time, slot=slot, amount=amount), *others),
            days=_days_of(form),
            end=EndDate(form.end_date) if form.end_date else None,
        )
        return decode(encode(rule))  # what cannot be stored and read back is refused now, not at eight o'clock
    except RuleError as error:
        raise Invalid(error.code, str(error)) from None


def _days_of(form: ReminderFields) -> Daily | Weekdays | EveryNDays:
    match form.frequency:
        case "daily":
            return Daily()
        case "specific_days":
            return Weekdays(from_client(form.specific_days or []))
        case "interval":
            return EveryNDays(form.interval_days or 0)
    raise Invalid("unknown_frequency", "The frequency must be daily, specific_days or interval.")


def form_of(rule: Rule) -> dict[str, Any]:
    """The timing fields as the client is served them."""
    first = rule.times[0]
    shown: dict[str, Any] = {
        "reminder_time": first.at,
        "frequency": "daily",
        "specific_days": None,
        "interval_days": None,
        "start_date": rule.start_date,
        "end_date": rule.end.on if rule.end else None,
    }
    match rule.days:
        case Weekdays(days):
            shown |= {"frequency": "specific_days", "specific_days": to_client(days)}
        case EveryNDays(n):
            shown |= {"frequency": "interval", "interval_days": n}
    return shown


def edited(current: ReminderFields, given: Mapping[str, Any], *, is_put: bool) -> ReminderFields:
    """The form after an edit. PUT clears what the old form clears by leaving out; PATCH keeps it."""
    known = {field.name for field in fields(ReminderFields)} - {"medicine_id"}
    changes = {name: value for name, value in given.items() if name in known}
    if is_put:
        changes = {name: None for name in CLEARED_BY_LEAVING_OUT if name not in changes} | changes
    for name in known - {"specific_days", "interval_days", "end_date", "dosage_amount", "notes", "grace_minutes"}:
        if changes.get(name, ...) is None:
            del changes[name]
    return _without_stale_days(replace(current, **changes))


def _without_stale_days(form: ReminderFields) -> ReminderFields:
    """The old form still sends the weekdays after switching back to daily: they then mean nothing."""
    days = sorted(set(form.specific_days)) if form.frequency == "specific_days" and form.specific_days else None
    return replace(form, specific_days=days, interval_days=form.interval_days if form.frequency == "interval" else None)


def touched(before: ReminderFields, after: ReminderFields) -> bool:
    """Did the edit say anything about when or how much? Sending back what was served does not."""
    old, new = asdict(before), asdict(after)
    return any(old[name] != new[name] for name in TIMING + AMOUNT)
