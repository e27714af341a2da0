"""Doses taken by the thousand: what each takes from the stock, posted exactly once."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from sqlalchemy import Engine

from benchmarks.crew import Crew, Measured, prepared
from benchmarks.regimens import RULES_A_PERSON
from engine.db import run
from engine.inventory import bulk
from engine.inventory.bulk import Consumption

BATCH = 2000
_SPREAD = 7919  # prime: the medicines of one batch lie all over the table, as they do when people answer


def take_all(engine: Engine, first: int, last: int, n: int, at: datetime) -> int:
    """One dose of each of the n medicines from place `first` to before `last`, in no order; returns the new entries."""
    return sum(
        run(
            engine,
            partial(bulk.post, consumed=_batch(start, min(start + BATCH, last), n, at), notes="Dose taken", now=at),
        ).entries
        for start in range(first, last, BATCH)
    )


def _batch(first: int, last: int, n: int, at: datetime) -> list[Consumption]:
    today = at.astimezone(UTC).date()
    medicines = [1 + place * _SPREAD % n for place in range(first, last)]
    return [
        Consumption(place, (medicine - 1) // RULES_A_PERSON + 1, medicine, Decimal(1), place, at, None, today)
        for place, medicine in zip(range(first, last), medicines, strict=True)
    ]


def take(one: Crew, two: Crew, n: int, at: datetime) -> tuple[Measured, Measured, Measured]:
    """Half over one connection, the other half over two at once, and the first half once more: nothing comes of it."""
    half, quarter = n // 2, n // 4
    prepared(one.ground.engine)
    alone = one.do(take_all, (0, half, n, at))
    prepared(one.ground.engine)
    together = two.do(take_all, (half, half + quarter, n, at), (half + quarter, n, n, at))
    return alone, together, one.do(take_all, (0, half, n, at))
