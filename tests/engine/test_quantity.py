"""What a dose takes from the stock: by meaning, by factor, by strength, or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.quantity import consumption, strength_of


def used(amount: str, dose_unit: str, stock_unit: str, strength: str = "") -> Decimal | None:
    return consumption(Decimal(amount), dose_unit, stock_unit, strength)


@pytest.mark.parametrize(
    ("dose_unit", "stock_unit"),
    [
        ("tablet", "tablets"),
        ("tab", "Tablets"),
        ("Tab.", "tablet(s)"),
        ("capsule", "caps"),
        ("puff", "puffs"),
        ("drops", "drop"),
        ("units", "IU"),
        ("ml", "mL"),
        ("µg", "mcg"),
        ("gram", "grams"),
        ("sachet", "sachets"),
    ],
)
def test_two_words_for_one_unit_compare_by_meaning(dose_unit: str, stock_unit: str) -> None:
    assert used("1.5", dose_unit, stock_unit) == Decimal("1.500")
    assert used("1.5", stock_unit, dose_unit) == Decimal("1.500")


@pytest.mark.parametrize(
    ("amount", "dose_unit", "stock_unit", "taken"),
    [
        ("500", "mg", "g", "0.500"),
        ("2", "g", "mg", "2000.000"),
        ("250", "mcg", "mg", "0.250"),
        ("5", "ml", "l", "0.005"),
    ],
)
def test_masses_and_volumes_convert_by_factor(amount: str, dose_unit: str, stock_unit: str, taken: str) -> None:
    assert used(amount, dose_unit, stock_unit) == Decimal(taken)


@pytest.mark.parametrize(
    ("amount", "dose_unit", "stock_unit", "strength", "taken"),
    [
        ("500", "mg", "tablets", "500 mg", "1.000"),
        ("250", "mg", "tablets", "500mg", "0.500"),
        ("1", "g", "capsules", "500 MG", "2.000"),
        ("100", "mcg", "puffs", "50 µg", "2.000"),
        ("0.25", "mg", "tablets", "0,125 mg", "2.000"),
        ("2000", "IU", "capsules", "1000 IU", "2.000"),
        ("2", "tablets", "mg", "500 mg", "1000.000"),
        ("10", "mg", "ml", "5 mg/ml", "2.000"),
        ("250", "mg", "ml", "125 mg/5 ml", "10.000"),
        ("2", "ml", "mg", "5 mg per ml", "10.000"),
        ("10", "units", "ml", "100 IU/ml", "0.100"),
        ("100", "mcg", "puffs", "100 mcg/puff", "1.000"),
        ("1000", "mg", "tablets", "300 mg", "3.333"),
    ],
)
def test_a_mass_is_counted_against_the_strength_on_the_box(
    amount: str, dose_unit: str, stock_unit: str, strength: str, taken: str
) -> None:
    assert used(amount, dose_unit, stock_unit, strength) == Decimal(taken)


@pytest.mark.parametrize(
    ("dose_unit", "stock_unit", "strength"),
    [
        ("tablet", "capsules", "500 mg"),
        ("drops", "ml", "5 mg/ml"),
        ("mg", "tablets", ""),
        ("mg", "tablets", "strong"),
        ("mg", "tablets", "500"),
        ("mg", "tablets", "500 mg/125 mg"),
        ("mg", "tablets", "875 mg + 125 mg"),
        ("mg", "tablets", "0 mg"),
        ("mg", "tablets", "100 IU"),
        ("mg", "tablets", "5 mg/ml"),
        ("mg", "ml", "500 mg"),
        ("mg", "ml", "5 mg/0 ml"),
        ("ml", "tablets", "500 mg"),
        ("", "tablets", "500 mg"),
        ("tablet", " . ", "500 mg"),
    ],
)
def test_what_cannot_be_compared_is_not_guessed(dose_unit: str, stock_unit: str, strength: str) -> None:
    assert used("1", dose_unit, stock_unit, strength) is None


@pytest.mark.parametrize("strength", ["1.000 mg", "1,000 mg", "12.500 IU", "1.000.000 IU"])
def test_a_separator_that_may_mean_thousands_is_not_guessed(strength: str) -> None:
    assert strength_of(strength) is None


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_nothing_is_not_an_amount(amount: str) -> None:
    assert used(amount, "tablet", "tablets") is None


def test_an_amount_too_small_for_the_ledger_is_not_counted_as_nothing() -> None:
    assert used("1", "mcg", "g") is None


@given(
    amount=st.decimals("0.001", "999999.999", places=3),
    units=st.lists(
        st.sampled_from(["tablet", "mg", "ml", "IU", "g", "puffs", "", "\x00", "ſ"]) | st.text(), min_size=2, max_size=2
    ),
    strength=st.text() | st.from_regex(r"[0-9.,]{1,6} ?(mg|g|IU)(/[0-9]{0,3} ?ml)?", fullmatch=True),
)
def test_whatever_the_columns_hold_the_answer_is_a_positive_amount_or_none(
    amount: Decimal, units: list[str], strength: str
) -> None:
    taken = consumption(amount, units[0], units[1], strength)
    assert taken is None or (taken > 0 and taken == taken.quantize(Decimal("0.001")))
