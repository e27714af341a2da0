"""Rule <-> versioned JSON: what is stored with a reminder and sent by richer clients. decode(encode(rule)) == rule.

{"version": 1, "kind": "times", "tzid": "Europe/Riga", "zone_mode": "home", "start_date": "2026-11-24",
 "times": [{"at": "08:00", "amount": "1", "slot": 1440}],
 "days": {"every_n_days": 2} or {"weekdays": ["MO", "TH"]}, left out for every day,
 "end": {"date": "2026-12-24"}, left out for ever}

`zone_mode` and `slot` may be left out on the way in. Any other shape, key or type is a RuleError that names the place,
never another exception and never ignored: what this version does not know must not be dropped in silence.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import TypeVar

from schedules.days import Daily, DayFilter, EveryNDays, Weekday, Weekdays
from schedules.errors import RuleError
from schedules.quantities import format_amount, parse_amount
from schedules.rules import FIRST_SLOT, MOST_TIMES, VERSION, End, EndDate, Rule, TimeOfDay

Json = Mapping[str, object]
_T = TypeVar("_T")

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_SPEAKABLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SORTS: dict[type, str] = {str: "a text", int: "a whole number", dict: "an object", list: "a list"}

_KEYS = frozenset({"version", "kind", "tzid", "zone_mode", "start_date", "times", "days", "end"})


def encode(rule: Rule) -> dict[str, object]:
    """Plain dicts, lists and texts, in the order they are documented."""
    value: dict[str, object] = {
        "version": rule.version,
        "kind": rule.kind,
        "tzid": rule.tzid,
        "zone_mode": rule.zone_mode,
        "start_date": rule.start_date.isoformat(),
        "times": [_encoded_time(each) for each in rule.times],
    }
    match rule.days:
        case EveryNDays(n):
            value["days"] = {"every_n_days": n}
        case Weekdays(on):
            value["days"] = {"weekdays": [day.name for day in sorted(on)]}
    if rule.end is not None:
        value["end"] = {"date": rule.end.on.isoformat()}
    return value


def decode(value: object, *, first_free_slot: int = FIRST_SLOT) -> Rule:
    """The rule `value` (parsed JSON) says. Times without a slot get the next numbers from `first_free_slot` on and
    above every slot given; on an edit pass `free_slot(*versions)`, so that no old slot gets a new meaning."""
    rule = _typed(value, dict, "")
    if _required(rule, "version", int, "") != VERSION:
        raise RuleError("unknown_version", "We do not know this version of a rule.", "version")
    if _required(rule, "kind", str, "") != "times":
        raise RuleError("unknown_kind", "We do not know this kind of rule.", "kind")
    _refuse_others(rule, _KEYS, "")
    if _optional(rule, "zone_mode", str, "", "home") not in ("home", "follow"):
        raise RuleError("bad_zone_mode", "A rule stays at home or follows: home or follow.", "zone_mode")
    return Rule(
        tzid=_required(rule, "tzid", str, ""),
        start_date=_date(rule, "start_date", ""),
        times=_times(_required(rule, "times", list, ""), first_free_slot),
        days=_days(rule),
        end=_end(rule),
        zone_mode="follow" if rule.get("zone_mode") == "follow" else "home",
    )


def _encoded_time(each: TimeOfDay) -> dict[str, object]:
    at = each.at.isoformat("seconds" if each.at.second else "minutes")
    return {"at": at, "amount": format_amount(each.amount), "slot": each.slot}


def _times(values: Sequence[object], first_free_slot: int) -> tuple[TimeOfDay, ...]:
    if len(values) > MOST_TIMES:  # before looking at each: a list of a million is refused as fast as one of thirty
        raise RuleError("too_many_times", f"A rule can have at most {MOST_TIMES} times a day.", "times")
    paths = [f"times[{index}]" for index in range(len(values))]
    entries = [_typed(value, dict, path) for value, path in zip(values, paths, strict=True)]
    given = [_required(each, "slot", int, path) for each, path in zip(entries, paths, strict=True) if "slot" in each]
    free = max([first_free_slot, *(slot + 1 for slot in given)])
    times = []
    for entry, path in zip(entries, paths, strict=True):
        times.append(_time_of_day(entry, path, free))
        free += "slot" not in entry
    return tuple(times)


def _time_of_day(entry: Json, path: str, free: int) -> TimeOfDay:
    _refuse_others(entry, frozenset({"at", "amount", "slot"}), path)
    amount = parse_amount(_required(entry, "amount", str, path), f"{path}.amount")
    at = _clock(_required(entry, "at", str, path), f"{path}.at")
    slot = _optional(entry, "slot", int, path, free)
    try:
        return TimeOfDay(at, slot, amount)
    except RuleError as error:  # told with the whole way to it
        raise RuleError(error.code, error.detail, _at(path, error.field)) from None


def _days(rule: Json) -> DayFilter:
    if "days" not in rule:
        return Daily()
    days = _typed(rule["days"], dict, "days")
    _refuse_others(days, frozenset({"every_n_days", "weekdays"}), "days")
    if len(days) != 1:
        raise RuleError("bad_days", "Choose either days of the week or a number of days.", "days")
    if "every_n_days" in days:
        return EveryNDays(_required(days, "every_n_days", int, "days"))
    names = _required(days, "weekdays", list, "days")
    return Weekdays(frozenset(_weekday(name, f"days.weekdays[{index}]") for index, name in enumerate(names)))


def _weekday(name: object, path: str) -> Weekday:
    if isinstance(name, str) and name in Weekday.__members__:
        return Weekday[name]
    raise RuleError("bad_weekday", "A day of the week is one of MO, TU, WE, TH, FR, SA, SU.", path)


def _end(rule: Json) -> End | None:
    if "end" not in rule:
        return None
    end = _typed(rule["end"], dict, "end")
    _refuse_others(end, frozenset({"date"}), "end")
    return EndDate(_date(end, "date", "end"))


def _date(parent: Json, key: str, path: str) -> date:
    if found := _DATE.fullmatch(_required(parent, key, str, path)):
        try:
            return date(*map(int, found.groups()))
        except ValueError:  # 30 February, year 0
            pass
    raise RuleError("bad_date", "A date is written as year-month-day, such as 2026-11-24.", _at(path, key))


def _clock(text: str, path: str) -> time:
    if found := _TIME.fullmatch(text):
        try:
            hour, minute, second = map(int, found.groups(default="0"))
            return time(hour, minute, second)
        except ValueError:  # 24:00, 08:60
            pass
    raise RuleError("bad_time", "A time of day is written as hours:minutes, such as 08:00 or 20:30.", path)


def _refuse_others(value: Json, known: frozenset[str], path: str) -> None:
    for key in value:
        if key not in known:
            named = key if isinstance(key, str) and _SPEAKABLE.fullmatch(key) else ""  # what was sent stays unsaid
            detail = f"A rule has no field {named} here." if named else "There is a field that no rule has."
            raise RuleError("unknown_field", detail, _at(path, named))


def _required(parent: Json, key: str, kind: type[_T], path: str) -> _T:
    if key not in parent:
        raise RuleError("missing_field", f"The field {key} is missing.", _at(path, key))
    return _typed(parent[key], kind, _at(path, key))


def _optional(parent: Json, key: str, kind: type[_T], path: str, default: _T) -> _T:
    return _typed(parent[key], kind, _at(path, key)) if key in parent else default


def _typed(value: object, kind: type[_T], path: str) -> _T:
    if isinstance(value, kind) and not isinstance(value, bool):  # JSON's true is no number, Python's is
        return value
    raise RuleError("wrong_type", f"{path or 'The rule'} must be {_SORTS[kind]}.", path)


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key
