"""The client's form and the rule it stands for, both ways; what an edit clears, keeps and touches."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.reminders.fields import ReminderFields, edited, form_of, rule_of, touched
from schedules import Daily, EveryNDays, TimeOfDay, Weekday, Weekdays

START = date(2026, 11, 24)
DAILY = ReminderFields(medicine_id=1, reminder_time=time(8), frequency="daily", start_date=START, dosage_amount="1")
WEEKDAYS = replace(DAILY, frequency="specific_days", specific_days=[1, 4])
INTERVAL = replace(DAILY, frequency="interval", interval_days=2)
FULL = replace(WEEKDAYS, end_date=date(2026, 12, 24), notes="after breakfast", grace_minutes=90)


def timing(form: ReminderFields) -> dict[str, Any]:
    names = ("reminder_time", "frequency", "specific_days", "interval_days", "start_date", "end_date")
    return {name: getattr(form, name) for name in names}


# --- form and rule --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "days"),
    [
        (DAILY, Daily()),
        (WEEKDAYS, Weekdays(frozenset({Weekday.MO, Weekday.TH}))),
        (replace(WEEKDAYS, specific_days=[6, 0]), Weekdays(frozenset({Weekday.SA, Weekday.SU}))),
        (INTERVAL, EveryNDays(2)),
    ],
)
def test_each_frequency_of_the_form_is_a_rule(form: ReminderFields, days: object) -> None:
    rule = rule_of(form, "Europe/Riga")
    assert (rule.days, rule.start_date, rule.tzid, rule.zone_mode) == (days, START, "Europe/Riga", "home")
    assert [(each.at, each.slot, each.amount) for each in rule.times] == [(time(8), 1440, Decimal(1))]


@given(
    at=st.times().map(lambda at: at.replace(microsecond=0)),
    frequency=st.sampled_from(["daily", "specific_days", "interval"]),
    days=st.sets(st.integers(0, 6), min_size=1).map(sorted),
    interval=st.integers(1, 365),
    last=st.none() | st.integers(0, 400),
)
def test_what_was_saved_is_what_is_served(
    at: time, frequency: str, days: list[int], interval: int, last: int | None
) -> None:
    form = ReminderFields(
        medicine_id=1,
        reminder_time=at,
        frequency=frequency,
        start_date=START,
        specific_days=days if frequency == "specific_days" else None,
        interval_days=interval if frequency == "interval" else None,
        end_date=None if last is None else date.fromordinal(START.toordinal() + last),
    )
    assert form_of(rule_of(form, "Europe/Riga")) == timing(form)


@pytest.mark.parametrize(
    ("said", "amount"),
    [("1", "1"), ("0.5", "0.5"), ("0,5", "0.5"), ("1/2", "0.5"), ("½", "0.5"), ("1.125", "1.125"), (None, "1")],
)
def test_an_amount_is_read_as_people_write_it(said: str | None, amount: str) -> None:
    (only,) = rule_of(replace(DAILY, dosage_amount=said), "UTC").times
    assert only.amount == Decimal(amount)


@pytest.mark.parametrize(
    "bad",
    [
        {"dosage_amount": "two"},
        {"dosage_amount": "0"},
        {"dosage_amount": "-1"},
        {"dosage_amount": "0.0005"},
        {"dosage_amount": "1,000"},
        {"frequency": "hourly"},
        {"frequency": "specific_days", "specific_days": []},
        {"frequency": "specific_days", "specific_days": [7]},
        {"frequency": "interval", "interval_days": None},
        {"frequency": "interval", "interval_days": 366},
        {"end_date": date(2026, 11, 23)},
        {"start_date": date(1, 1, 1)},
        {"reminder_time": time(8, 0, 0, 1)},
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(bad: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        rule_of(replace(DAILY, **bad), "Europe/Riga")
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize("minutes", [0, 1441, -5])
def test_a_grace_beyond_a_day_is_refused_in_words(minutes: int) -> None:
    with pytest.raises(Invalid, match="between 1 minute and 24 hours"):
        replace(DAILY, grace_minutes=minutes)
    assert replace(DAILY, grace_minutes=1440).grace_minutes == 1440


def test_of_a_rule_with_several_times_the_one_that_was_shown_moves() -> None:
    morning = rule_of(DAILY, "Europe/Riga")
    evening = TimeOfDay(at=time(20), slot=1441, amount=Decimal(2))
    twice = replace(morning, times=(*morning.times, evening))
    edited_rule = rule_of(replace(DAILY, reminder_time=time(9)), "Europe/Riga", twice)
    assert edited_rule.times == (TimeOfDay(at=time(9), slot=1440, amount=Decimal(1)), evening)
    with pytest.raises(Invalid, match="given twice"):
        rule_of(replace(DAILY, reminder_time=time(20)), "Europe/Riga", twice)


# --- edits ----------------------------------------------------------------------------------------------------------


def test_put_clears_what_the_old_form_clears_by_leaving_it_out_and_keeps_the_rest() -> None:
    form = edited(FULL, {"reminder_time": time(9), "frequency": "daily"}, is_put=True)
    assert (form.end_date, form.notes, form.dosage_amount, form.specific_days) == (None, None, None, None)
    assert (form.reminder_time, form.start_date, form.dosage_unit) == (time(9), START, "tablet")
    assert (form.is_active, form.grace_minutes) == (True, 90)


def test_put_clears_the_interval_too_and_then_says_what_is_missing() -> None:
    form = edited(INTERVAL, {"reminder_time": time(8)}, is_put=True)
    assert form.interval_days is None
    with pytest.raises(Invalid):
        rule_of(form, "Europe/Riga")


def test_patch_keeps_whatever_is_not_sent() -> None:
    assert edited(FULL, {"notes": "with milk"}, is_put=False) == replace(FULL, notes="with milk")


@pytest.mark.parametrize("name", ["end_date", "notes", "dosage_amount", "grace_minutes"])
def test_null_clears_what_may_be_empty(name: str) -> None:
    assert getattr(edited(FULL, {name: None}, is_put=False), name) is None


@pytest.mark.parametrize("name", ["reminder_time", "frequency", "start_date", "dosage_unit", "is_active"])
def test_null_means_nothing_for_what_may_not_be_empty(name: str) -> None:
    assert edited(FULL, {name: None}, is_put=False) == FULL


def test_a_reminder_keeps_its_medicine() -> None:
    assert edited(FULL, {"medicine_id": 99, "unknown": 1}, is_put=False) == FULL


@pytest.mark.parametrize(
    ("given", "frequency"),
    [({"specific_days": [1, 4]}, "daily"), ({"specific_days": [1], "interval_days": 3}, "daily")],
)
def test_stale_days_sent_after_switching_to_daily_mean_nothing(given: dict[str, Any], frequency: str) -> None:
    form = edited(FULL, given | {"frequency": frequency}, is_put=True)
    assert (form.specific_days, form.interval_days) == (None, None)


def test_days_are_kept_in_order_and_once_however_they_were_clicked() -> None:
    assert edited(DAILY, {"frequency": "specific_days", "specific_days": [4, 1, 4]}, is_put=True).specific_days == [
        1,
        4,
    ]


def test_sending_back_what_was_served_touches_nothing() -> None:
    for form in (DAILY, WEEKDAYS, INTERVAL, FULL):
        served = timing(form) | {"dosage_amount": form.dosage_amount, "dosage_unit": form.dosage_unit}
        assert not touched(form, edited(form, served | {"specific_days": form.specific_days}, is_put=True))


@pytest.mark.parametrize(
    ("given", "is_touched"),
    [
        ({"notes": "with milk"}, False),
        ({"is_active": False}, False),
        ({"grace_minutes": 30}, False),
        ({"specific_days": [4, 1]}, False),  # the same days, clicked in another order
        ({"specific_days": [1]}, True),
        ({"reminder_time": time(8, 1)}, True),
        ({"frequency": "daily"}, True),
        ({"start_date": date(2026, 11, 25)}, True),
        ({"end_date": None}, True),
        ({"dosage_amount": "2"}, True),
        ({"dosage_unit": "mg"}, True),
    ],
)
def test_only_when_and_how_much_count_as_touched(given: dict[str, Any], is_touched: bool) -> None:
    assert touched(FULL, edited(FULL, given, is_put=False)) is is_touched
