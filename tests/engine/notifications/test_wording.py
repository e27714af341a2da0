"""The words of a notification."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.notifications.wording import Words, action_url, counted, discreet, words

DOSE = {
    "medicine_name": "Metformin",
    "medicine_dosage": "500 mg",
    "medicine_unit": "tablets",
    "dosage_amount": "1",
    "dosage_unit": "tablet",
    "planned_local": datetime.fromisoformat("2026-03-03 08:00"),
    "time_zone": "Europe/Riga",
    "time_zone_is_assumed": False,
}
LOW = {"kind": "low_stock", "medicine_name": "Metformin", "medicine_unit": "tablets"}
EXPIRY = {"kind": "prescription_expiry", "doctor_name": "Dr. Who"}


def due(**more: Any) -> Words:
    return words(DOSE | {"kind": "due"} | more)


def test_a_due_dose_says_what_how_much_and_when() -> None:
    assert due() == Words("💊 Time to take your medicine", "Metformin - 1 tablet (08:00)")


def test_a_missed_dose_says_what_was_not_recorded() -> None:
    told = words(DOSE | {"kind": "missed", "planned_local": datetime.fromisoformat("2026-03-03 21:05")})
    assert told == Words("Missed dose", "Metformin - 1 tablet, planned for 21:05, was not recorded as taken")


@pytest.mark.parametrize("kind", ["due", "missed"])
def test_a_zone_that_was_only_assumed_is_named(kind: str) -> None:
    told = words(DOSE | {"kind": kind, "time_zone_is_assumed": True, "time_zone": "America/New_York"})
    assert "08:00, America/New_York time" in told.message


@pytest.mark.parametrize(
    ("amount", "unit", "said"),
    [
        ("1", "tablet", "1 tablet"),
        ("2", "tablet", "2 tablets"),
        ("2", "Tablet(s)", "2 tablets"),
        ("1", "tablets", "1 tablet"),
        ("0.5", "tablets", "0.5 tablet"),
        ("0,5", "tablet", "0,5 tablet"),
        ("1/2", "tablet", "1/2 tablet"),
        ("½", "tablet", "½ tablet"),
        ("1.5", "tablet", "1.5 tablets"),
        ("2", "patch", "2 patches"),
        ("250", "mg", "250 mg"),
        ("5", "ml", "5 ml"),
        ("2", "Löffel", "2 Löffel"),
    ],
)
def test_an_amount_stands_with_its_unit_in_the_right_number(amount: str, unit: str, said: str) -> None:
    assert due(dosage_amount=amount, dosage_unit=unit).message == f"Metformin - {said} (08:00)"


def test_without_an_amount_the_strength_stands_for_it() -> None:
    assert due(dosage_amount=None).message == "Metformin - 500 mg (08:00)"


@pytest.mark.parametrize(
    ("on_hand", "unit", "left"),
    [
        (5.0, "tablets", "5 tablets"),
        (1.0, "tablets", "1 tablet"),
        (0.0, "tablets", "0 tablets"),
        (4.5, "tablets", "4.5 tablets"),
        (0.125, "tablets", "0.125 tablet"),
        (100.0, "ml", "100 ml"),
        (1.0, "patches", "1 patch"),
        (3.0, "", "3"),
    ],
)
def test_a_low_stock_says_how_much_is_left(on_hand: float, unit: str, left: str) -> None:
    told = words(LOW | {"medicine_unit": unit, "data": {"on_hand": on_hand}})
    assert told == Words("Low stock alert", f"Metformin is running low ({left} left)")


@pytest.mark.parametrize(("days", "when"), [(30, "in 30 days"), (2, "in 2 days"), (1, "in 1 day"), (0, "today")])
def test_an_expiring_prescription_says_whose_and_when(days: int, when: str) -> None:
    told = words(EXPIRY | {"data": {"days_left": days, "valid_until": date(2026, 3, 10).isoformat()}})
    assert told == Words("Prescription expiring soon", f"Your prescription from Dr. Who expires {when}")


def test_discreet_words_say_that_something_is_due_and_never_what() -> None:
    assert discreet(DOSE | {"kind": "due"}) == Words("Reminder 08:00", "This is your reminder for 08:00.")
    assumed = discreet(DOSE | {"kind": "due", "time_zone_is_assumed": True})
    assert assumed.message == "This is your reminder for 08:00, Europe/Riga time."


@pytest.mark.parametrize(
    "row", [DOSE | {"kind": "missed"}, LOW | {"data": {"on_hand": 1.0}}, EXPIRY | {"data": {"days_left": 1}}]
)
def test_everything_else_is_said_discreetly_in_the_same_words(row: dict[str, Any]) -> None:
    assert discreet(row) == Words("A message for you", "There is a message for you in Pillio.")


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        ("due", "/reminders"),
        ("missed", "/reminders"),
        ("low_stock", "/medicines"),
        ("prescription_expiry", "/prescriptions"),
    ],
)
def test_a_click_leads_to_the_page_of_what_it_is_about(kind: str, page: str) -> None:
    assert action_url({"kind": kind}) == page


def test_a_unit_nobody_counts_in_stays_as_it_was_written() -> None:
    assert counted(Decimal(2), "Mg") == "Mg"
