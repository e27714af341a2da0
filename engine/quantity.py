"""Pure: how much of the stock a dose uses up, where its unit and the stock's can be compared at all.

Units compare by meaning (tab = tablets), masses and volumes by factor, and a mass, volume or activity against
the strength on the box ("500 mg", "250 mg/5 ml", "100 IU/ml"). Everything else is `None`: a guess would make
the stock lie, so such a dose is recorded, leaves the stock, and is flagged. Limits: a strength of several
substances, and a number whose separator might mean thousands ("1.000 mg"), are not understood on purpose.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

STOCK_STEP = Decimal("0.001")

_MEASURES = {
    "mass": {
        "1e-6": "mcg ug μg microgram micrograms",
        "1e-3": "mg milligram milligrams milligramme milligrammes",
        "1": "g gr gm gram grams gramme grammes",
    },
    "volume": {
        "1e-3": "ml millilitre millilitres milliliter milliliters cc",
        "1e-2": "cl centilitre centilitres centiliter centiliters",
        "1": "l litre litres liter liters",
    },
    "activity": {"1": "unit units u iu ie ui", "1000": "kiu"},
}
_PIECES = {
    "tablet": "tablet tablets tab tabs tbl pill pills",
    "capsule": "capsule capsules cap caps",
    "puff": "puff puffs inhalation inhalations spray sprays",
    "drop": "drop drops gtt gtts",
    "patch": "patch patches",
    "dose": "dose doses",
}
_STRENGTH = re.compile(
    r"(?P<top>[0-9.,]+) ?(?P<unit>[^\W\d_]+)(?: ?(?:/|per) ?(?P<bottom>[0-9.,]*) ?(?P<per>[^\W\d_]+))?"
)
_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,6})?")
_MAYBE_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True, slots=True)
class Unit:
    """What is measured, and how much of its base one is. Pieces ("tablet") are a measure of their own each."""

    measure: str
    factor: Decimal
    is_piece: bool


@dataclass(frozen=True, slots=True)
class Strength:
    """`top` of substance (in base units of `measure`) in `bottom` of `per`; `per` is None for one piece."""

    measure: str
    top: Decimal
    per: str | None
    bottom: Decimal


def _known_units() -> dict[str, Unit]:
    known = {
        word: Unit(measure, Decimal(factor), is_piece=False)
        for measure, factors in _MEASURES.items()
        for factor, words in factors.items()
        for word in words.split()
    }
    pieces = {
        word: Unit(piece, Decimal(1), is_piece=True) for piece, words in _PIECES.items() for word in words.split()
    }
    return known | pieces


_UNITS = _known_units()


def consumption(amount: Decimal, dose_unit: str, stock_unit: str, strength: str) -> Decimal | None:
    """`amount` of `dose_unit` in the stock's unit, to three decimals; None if that cannot be said."""
    dose, stock = unit_of(dose_unit), unit_of(stock_unit)
    if amount <= 0 or dose is None or stock is None:
        return None
    base = amount * dose.factor
    if dose.measure != stock.measure:
        held = strength_of(strength)
        converted = _through(held, base, dose, stock) if held else None
        if converted is None:
            return None
        base = converted
    used = (base / stock.factor).quantize(STOCK_STEP, ROUND_HALF_UP)
    return used if used > 0 else None


def unit_of(text: str) -> Unit | None:
    """The unit a word stands for. A word we do not know is a piece of its own kind (sachets), if it is a word."""
    word = " ".join(unicodedata.normalize("NFKC", text).casefold().replace("(s)", "s").strip(" .").split())
    if not word:
        return None
    return _UNITS.get(word) or Unit(word.removesuffix("s") or word, Decimal(1), is_piece=True)


def strength_of(text: str) -> Strength | None:
    """What is printed on the box, if it says one thing about one substance."""
    cleaned = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    match = _STRENGTH.fullmatch(cleaned)
    if match is None:
        return None
    top, unit = _number(match["top"]), _UNITS.get(match["unit"])
    per = _UNITS.get(match["per"]) if match["per"] else None
    bottom = _number(match["bottom"]) if match["bottom"] else Decimal(1)
    if not top or not bottom or unit is None or unit.is_piece or (match["per"] and per is None):
        return None
    if per is None:
        return Strength(unit.measure, top * unit.factor, None, Decimal(1))
    return Strength(unit.measure, top * unit.factor, per.measure, bottom * per.factor)


def _through(held: Strength, base: Decimal, dose: Unit, stock: Unit) -> Decimal | None:
    """`base` of the dose's measure in base units of the stock's, by way of the strength."""
    if dose.measure == held.measure and _is_carrier(held, stock):
        return base / held.top * held.bottom
    if stock.measure == held.measure and _is_carrier(held, dose):
        return base / held.bottom * held.top
    return None


def _is_carrier(held: Strength, unit: Unit) -> bool:
    """Is this what the substance comes in? A bare "500 mg" means: in one piece, whatever the piece is called."""
    return unit.is_piece if held.per is None else unit.measure == held.per


def _number(text: str) -> Decimal | None:
    if not _NUMBER.fullmatch(text) or _MAYBE_THOUSANDS.fullmatch(text):
        return None
    return Decimal(text.replace(",", "."))
