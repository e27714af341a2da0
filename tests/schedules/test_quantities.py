"""Amounts as people write them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import RuleError, format_amount, parse_amount

UNDERSTOOD = [
    *(("1", "1"), ("0.5", "0.5"), ("0,5", "0.5"), ("1/2", "0.5"), ("½", "0.5"), ("1 1/2", "1.5"), ("1½", "1.5")),
    *(("1 ½", "1.5"), ("2 ½", "2.5"), ("3/2", "1.5"), ("1/8", "0.125"), ("⅛", "0.125"), ("¾", "0.75"), ("1⁄4", "0.25")),
    *((" 2 ", "2"), ("007", "7"), ("1.000", "1"), ("0.125", "0.125"), ("0,125", "0.125"), ("0.5000", "0.5")),
    *(("999999.999", "999999.999"), ("100", "100"), ("2,25", "2.25"), ("6/3", "2")),
]


@pytest.mark.parametrize(("text", "amount"), UNDERSTOOD)
def test_what_people_write_is_an_exact_amount(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "amount_range") for text in ("0", "0.000", "0/4", "1000000", "9999999")),
        *((text, "amount_too_fine") for text in ("1/3", "⅓", "⅔", "0.0001", "1.2345", "1/7", "1/16")),
        *(
            (text, "bad_amount")
            for text in ("", " ", "-1", "+1", "1e3", "NaN", "inf", "one", "1/0", "0x1", "1_000", ".5", "1.")
        ),
        *(
            (text, "bad_amount")
            for text in ("1 3/2", "½½", "1½½", "½1", "1/2/3", "--", "1..2", "1,5,0", "٣", "\uff11", "²", "\ud800")
        ),
        *((text, "bad_amount") for text in ("1,000", "12,500", "9" * 25, "1\n2", "1\x00")),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused_in_words(text: str, code: str) -> None:
    with pytest.raises(RuleError) as refused:
        parse_amount(text)
    assert refused.value.code == code
    assert refused.value.detail.endswith(".")
    assert refused.value.field == "amount"


def test_a_text_of_any_length_is_refused_as_fast() -> None:
    with pytest.raises(RuleError):
        parse_amount("1" * 1_000_000)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.5", "0.5"),
        ("1.000", "1"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("1E+2", "100"),
        ("0.125", "0.125"),
        ("10.0", "10"),
    ],
)
def test_amounts_are_shown_without_needless_zeros_or_exponents(amount: str, words: str) -> None:
    assert format_amount(Decimal(amount)) == words


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 999_999_999))
def test_every_amount_reads_back_as_itself(thousandths: int) -> None:
    amount = Decimal(thousandths).scaleb(-3)
    assert parse_amount(format_amount(amount)) == amount


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.text(max_size=30) | st.text("0123456789 ,./½⅓e-", max_size=8))
def test_any_text_is_an_amount_or_a_refusal(text: str) -> None:
    try:
        amount = parse_amount(text)
    except RuleError:
        return
    assert 0 < amount < 1_000_000
    assert amount == round(amount, 3)
