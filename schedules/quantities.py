"""Amounts of a dose: from what a person writes to an exact Decimal, and back.

Understood: "1", "0.5", "0,5", "1/2", "1 1/2", "½", "1½". An amount is above zero, below a million and has at most
three decimals, because that is what the stock can keep: a third of a tablet is refused rather than rounded, and
"1,000" is refused because it is one to half the world and a thousand to the other half.
"""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from schedules.errors import RuleError

BELOW = 1_000_000
DECIMALS = 3
LONGEST = 24  # characters; nothing that can be said in three decimals needs more

_DECIMAL = re.compile(r"([0-9]{1,7})(?:([.,])([0-9]{1,12}))?")
_FRACTION = re.compile(r"(?:([0-9]{1,6})\s+)?([0-9]{1,6})\s*[/\u2044]\s*([0-9]{1,6})")
_VULGAR = re.compile("[¼-¾⅐-⅞]")


@lru_cache(maxsize=4096)  # a few dozen texts make up nearly all doses there are
def parse_amount(text: str, field: str = "amount") -> Decimal:
    """The amount `text` says, without needless zeros. RuleError `bad_amount`, `amount_too_fine` or `amount_range`."""
    if len(text) <= LONGEST:
        words = _VULGAR.sub(_spelled_out, text).strip()
        if found := _DECIMAL.fullmatch(words):
            return _exact(_from_decimal(found, field), field)
        if found := _FRACTION.fullmatch(words):
            return _exact(_from_fraction(found, field), field)
    raise RuleError("bad_amount", "Write the amount as a number, such as 1, 0.5 or 1/2.", field)


def check_amount(amount: Decimal, field: str = "amount") -> None:
    """Refuse what `parse_amount` would never have returned."""
    if not amount.is_finite():
        raise RuleError("bad_amount", "The amount must be a number.", field)
    if not 0 < amount < BELOW:
        raise RuleError("amount_range", "The amount must be more than zero and less than a million.", field)
    if amount != round(amount, DECIMALS):
        raise RuleError("amount_too_fine", "The amount can have at most three decimals.", field)


def format_amount(amount: Decimal) -> str:
    """Without needless zeros and never with an exponent: 1.000 is "1", 0.50 is "0.5"."""
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _spelled_out(sign: re.Match[str]) -> str:
    """ "1½" becomes "1 1/2". Without the spaces it would read as eleven halves."""
    return f" {unicodedata.normalize('NFKC', sign.group())} "


def _from_decimal(found: re.Match[str], field: str) -> Fraction:
    whole, mark, decimals = found.groups(default="")
    if mark == "," and len(decimals) == DECIMALS and int(whole):
        detail = "This could be read with or without thousands. Write it without a comma, such as 1000 or 1.5."
        raise RuleError("bad_amount", detail, field)
    return Fraction(f"{whole}.{decimals or 0}")


def _from_fraction(found: re.Match[str], field: str) -> Fraction:
    whole, above, below = (int(part) for part in found.groups(default="0"))
    mixed = found.group(1) is not None
    if not below or (mixed and above >= below):
        raise RuleError("bad_amount", "Write the amount as a number, such as 1, 0.5 or 1/2.", field)
    return whole + Fraction(above, below)


def _exact(value: Fraction, field: str) -> Decimal:
    thousandths = value * 10**DECIMALS
    if thousandths.denominator != 1:
        detail = "This amount cannot be said exactly in three decimals. Write it as a decimal number, such as 0.333."
        raise RuleError("amount_too_fine", detail, field)
    amount = Decimal(thousandths.numerator).scaleb(-DECIMALS)
    check_amount(amount, field)
    return Decimal(format_amount(amount))
