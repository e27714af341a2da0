"""The pieces bodies are made of, all bounded: text without NUL, dates people live in, numbers as JSON numbers."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

T = TypeVar("T")
FIRST_YEAR, LAST_YEAR = 1900, 2200
ID_MAX = 2**63 - 1
HANDLE_MAX = 2**53 - 1  # a dose's id or a reminder's: a JavaScript number either way
STOCK_MAX = Decimal("999999999.999")
DATE_WORDS = "a date such as 2026-11-24"
TIME_WORDS = "a time of day such as 08:00"
INSTANT_WORDS = "an instant with its zone, such as 2026-11-24T08:00:00+02:00"


class Given(BaseModel):
    """A body we are sent. A field we do not know is refused: a misspelt one must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known(cls, given: Any) -> Any:
        """Says what may have been meant, and never what was sent."""
        if isinstance(given, dict) and cls.model_config.get("extra") == "forbid":
            for unknown in given.keys() - cls.model_fields.keys():
                close = difflib.get_close_matches(str(unknown)[:50], cls.model_fields, n=1, cutoff=0.75)
                raise ValueError("has a field that is not known here" + (f" (is it {close[0]}?)" if close else ""))
        return given

    def sent(self) -> dict[str, Any]:
        """Only what was sent: leaving out and sending null are two things."""
        return self.model_dump(exclude_unset=True)

    def filled(self) -> dict[str, Any]:
        """`sent`, where an emptied field of a form is a field without a value."""
        return {name: None if value == "" else value for name, value in self.sent().items()}


class Shown(BaseModel):
    """A body we send."""


class Page(Shown, Generic[T]):
    items: list[T]
    total: int
    page: int
    per_page: int
    pages: int


def page_of(found: tuple[Sequence[Any], int], page: int, per_page: int) -> dict[str, Any]:
    items, total = found
    return {"items": items, "total": total, "page": page, "per_page": per_page, "pages": ceil(total / per_page)}


def _writable(text: str) -> str:
    """PostgreSQL keeps no NUL, UTF-8 has no lone surrogates."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("contains a character that cannot be kept")
    return text


def _on_one_line(text: str) -> str:
    """Names go into subjects and titles: a line break in one would begin something else there."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("must be on one line")
    return text


def _seen(text: str) -> str:
    if all(unicodedata.category(character)[0] in "CZ" for character in text):
        raise ValueError("must not be empty")
    return text


def _written(pattern: str, words: str) -> BeforeValidator:
    """Only as text that begins like this: a bare number would be read as seconds since 1970."""
    begins = re.compile(pattern, re.ASCII)

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not begins.match(value):
            raise ValueError(f"must be {words}")
        return value

    return BeforeValidator(check)


def _lived_in(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must be a date from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _not_a_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


Writable = AfterValidator(_writable)
NotABool = BeforeValidator(_not_a_bool)
OneLine = AfterValidator(_on_one_line)
Seen = AfterValidator(_seen)
Name = Annotated[str, Field(min_length=1, max_length=255), Writable, OneLine, Seen]
Word = Annotated[str, Field(min_length=1, max_length=50), Writable, OneLine, Seen]
Line = Annotated[str, Field(min_length=1, max_length=100), Writable, OneLine, Seen]
OptionalName = Annotated[str, Field(max_length=255), Writable, OneLine]
Notes = Annotated[str, Field(max_length=2000), Writable]
Day = Annotated[date, _written(r"\d{4}-\d\d-\d\d", DATE_WORDS), AfterValidator(_lived_in)]
WallTime = Annotated[
    time,
    _written(r"\d\d:\d\d", TIME_WORDS),
    Field(description="HH:MM or HH:MM:SS, on the person's clock"),
]
Instant = Annotated[AwareDatetime, _written(r"\d{4}-\d\d-\d\d[Tt ]", INSTANT_WORDS), AfterValidator(_lived_in)]
Id = Annotated[int, Field(ge=1, le=ID_MAX), NotABool]
Level = Annotated[
    Decimal,
    Field(ge=0, le=STOCK_MAX, decimal_places=3),
    NotABool,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": float(STOCK_MAX)}),
]
Change = Annotated[
    Decimal,
    Field(ge=-STOCK_MAX, le=STOCK_MAX, decimal_places=3),
    NotABool,
    WithJsonSchema({"type": "number", "minimum": -float(STOCK_MAX), "maximum": float(STOCK_MAX)}),
]
Number = Annotated[
    Decimal,
    PlainSerializer(_json_number, return_type=int | float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]

PathId = Annotated[int, Path(ge=1, le=ID_MAX)]
Handle = Annotated[int, Path(ge=1, le=HANDLE_MAX, description="A dose's id, or a reminder's: then its dose of now")]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
PerPage = Annotated[int, Query(ge=1, le=100)]
Search = Annotated[str | None, Query(max_length=100), Writable]
QueryDay = Annotated[Day | None, Query()]


class Timestamps(Shown):
    created_at: datetime
    updated_at: datetime
