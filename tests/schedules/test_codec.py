"""Rules as versioned JSON: what is written, what is read, and what is refused by name."""

import json
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import Daily, EndDate, EveryNDays, Rule, RuleError, TimeOfDay, Weekday, Weekdays, decode, encode
from tests.schedules.rule_making import rules

quick = settings(max_examples=80, deadline=None, derandomize=True, database=None)
Json = dict[str, object]


def native(**changes: object) -> Json:
    """The rule of the documentation, with fields replaced; None takes a field away."""
    whole: Json = {
        "version": 1,
        "kind": "times",
        "tzid": "Europe/Riga",
        "zone_mode": "home",
        "start_date": "2026-11-24",
        "times": [{"at": "08:00", "amount": "1", "slot": 1440}],
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    ("days", "means"),
    [
        (None, Daily()),
        ({"every_n_days": 2}, EveryNDays(2)),
        ({"weekdays": ["MO", "TH"]}, Weekdays(frozenset({Weekday.MO, Weekday.TH}))),
    ],
)
def test_the_documented_form_is_read_and_written_letter_by_letter(days: object, means: object) -> None:
    value = native(days=days, end={"date": "2026-12-24"})
    rule = decode(value)
    assert rule == Rule(
        "Europe/Riga",
        date(2026, 11, 24),
        (TimeOfDay(time(8), 1440, Decimal(1)),),
        means,  # type: ignore[arg-type]
        EndDate(date(2026, 12, 24)),
    )
    assert json.dumps(encode(rule)) == json.dumps(value)


def test_what_may_be_left_out_gets_its_default() -> None:
    rule = decode(native(zone_mode=None, times=[{"at": "20:00:30", "amount": "½"}]))
    assert (rule.zone_mode, rule.times) == ("home", (TimeOfDay(time(20, 0, 30), 1440, Decimal("0.5")),))
    assert encode(rule)["times"] == [{"at": "20:00:30", "amount": "0.5", "slot": 1440}]


def slots(times: list[Json], first_free_slot: int = 1440) -> list[int]:
    timed = [{"amount": "1", **each} for each in times]
    by_clock = decode(native(times=timed), first_free_slot=first_free_slot).times
    return [each.slot for each in by_clock]


def test_slots_are_given_in_order_above_those_that_are_there() -> None:
    assert slots([{"at": "08:00"}, {"at": "12:00"}]) == [1440, 1441]
    assert slots([{"at": "08:00"}, {"at": "12:00", "slot": 1450}, {"at": "20:00"}]) == [1451, 1450, 1452]
    assert slots([{"at": "08:00"}, {"at": "12:00", "slot": 1440}], first_free_slot=1443) == [1443, 1440]


@quick
@given(rules())
def test_every_rule_reads_back_as_itself_through_text(rule: Rule) -> None:
    assert decode(json.loads(json.dumps(encode(rule)))) == rule


TIMES_OF = "times[0]."


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        (None, "wrong_type", ""),
        ([], "wrong_type", ""),
        ("times", "wrong_type", ""),
        ({}, "missing_field", "version"),
        (native(version=2), "unknown_version", "version"),
        (native(version="1"), "wrong_type", "version"),
        (native(version=True), "wrong_type", "version"),
        (native(version=1.0), "wrong_type", "version"),
        (native(kind="prn"), "unknown_kind", "kind"),
        (native(kind=[]), "wrong_type", "kind"),
        (native(tzid=None), "missing_field", "tzid"),
        (native(tzid="Mars/Base"), "unknown_zone", "tzid"),
        (native(tzid=7), "wrong_type", "tzid"),
        (native(zone_mode="roam"), "bad_zone_mode", "zone_mode"),
        (native(zone_mode="follow"), "follow_unavailable", "zone_mode"),
        (native(start_date="2026-02-30"), "bad_date", "start_date"),
        (native(start_date="20261124"), "bad_date", "start_date"),
        (native(start_date="2026-11-24T00:00"), "bad_date", "start_date"),
        (native(start_date="0000-01-01"), "bad_date", "start_date"),
        (native(start_date="1850-01-01"), "year_out_of_range", "start_date"),
        (native(times={}), "wrong_type", "times"),
        (native(times=[]), "no_time", "times"),
        (native(times=[None] * 25), "too_many_times", "times"),
        (native(times=[8]), "wrong_type", "times[0]"),
        (native(times=[{"amount": "1"}]), "missing_field", TIMES_OF + "at"),
        (native(times=[{"at": "08:00"}]), "missing_field", TIMES_OF + "amount"),
        (native(times=[{"at": "8:00", "amount": "1"}]), "bad_time", TIMES_OF + "at"),
        (native(times=[{"at": "24:00", "amount": "1"}]), "bad_time", TIMES_OF + "at"),
        (native(times=[{"at": "08:00+02:00", "amount": "1"}]), "bad_time", TIMES_OF + "at"),
        (native(times=[{"at": "08:00", "amount": 1}]), "wrong_type", TIMES_OF + "amount"),
        (native(times=[{"at": "08:00", "amount": "1/3"}]), "amount_too_fine", TIMES_OF + "amount"),
        (native(times=[{"at": "08:00", "amount": "1", "slot": 480}]), "bad_slot", TIMES_OF + "slot"),
        (native(times=[{"at": "08:00", "amount": "1", "slot": 10**400}]), "bad_slot", TIMES_OF + "slot"),
        (native(times=[{"at": "08:00", "amount": "1", "slot": None}]), "wrong_type", TIMES_OF + "slot"),
        (native(times=[{"at": "08:00", "amount": "1", "anchor": "CM"}]), "unknown_field", TIMES_OF + "anchor"),
        (native(days={}), "bad_days", "days"),
        (native(days=[]), "wrong_type", "days"),
        (native(days={"every_n_days": 2, "weekdays": ["MO"]}), "bad_days", "days"),
        (native(days={"every_n_days": "2"}), "wrong_type", "days.every_n_days"),
        (native(days={"every_n_days": 366}), "bad_interval_days", "days.every_n_days"),
        (native(days={"weekdays": []}), "no_weekday", "days.weekdays"),
        (native(days={"weekdays": ["MO", "Mo"]}), "bad_weekday", "days.weekdays[1]"),
        (native(days={"weekdays": [["MO"]]}), "bad_weekday", "days.weekdays[0]"),
        (native(days={"month_days": [1]}), "unknown_field", "days.month_days"),
        (native(end={}), "missing_field", "end.date"),
        (native(end={"count": 3}), "unknown_field", "end.count"),
        (native(end={"date": "2026-11-23"}), "end_before_start", "end.date"),
        (native(end="2026-12-24"), "wrong_type", "end"),
        (native(cycle={"on_days": 21, "off_days": 7}), "unknown_field", "cycle"),
        (native(**{"<script>": 1}), "unknown_field", ""),
    ],
)
def test_what_is_not_a_rule_is_refused_and_the_place_named(value: object, code: str, field: str) -> None:
    with pytest.raises(RuleError) as refused:
        decode(value)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.detail.endswith(".")
    assert "<" not in refused.value.detail


def json_values() -> st.SearchStrategy[object]:
    texts = st.text(max_size=12) | st.sampled_from(["08:00", "MO", "2026-11-24", "1", "Europe/Riga", "home", "times"])
    keys = st.text(max_size=8) | st.sampled_from(
        ["at", "amount", "slot", "date", "weekdays", "every_n_days", "version"]
    )
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
    nested: Callable[[st.SearchStrategy[object]], st.SearchStrategy[object]] = lambda inner: (  # noqa: E731
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    )
    return st.recursive(leaves, nested, max_leaves=12)


@quick
@given(json_values())
def test_any_json_is_a_rule_or_a_refusal(value: object) -> None:
    with pytest.raises(RuleError):
        decode(value)


@settings(quick, max_examples=150)
@given(st.data())
def test_a_good_rule_with_any_part_replaced_by_any_json_is_a_rule_or_a_refusal(data: st.DataObject) -> None:
    value: Any = native(days={"weekdays": ["MO", "TH"]}, end={"date": "2026-12-24"})
    places: list[tuple[Any, Any]] = [(value, key) for key in value]
    for part in (value["days"], value["end"], value["times"][0]):
        places += [(part, key) for key in part]
    places += [(value["times"], 0), (value["days"]["weekdays"], 1)]
    parent, key = data.draw(st.sampled_from(places))
    parent[key] = data.draw(json_values())
    try:
        rule = decode(value)
    except RuleError:
        return
    assert decode(encode(rule)) == rule
