"""A list costs the same statements however long it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import event

from tests.support.callers import Caller
from tests.support.standing import StandingClock

LISTS = (
    "/medicines",
    "/medicines?search=m",
    "/medicines/low-stock",
    "/medicines/for-prescription?search=m",
    "/medicines/missing-from-inventory",
    "/medicines/inventory-history",
    "/reminders",
    "/reminders/today-with-status",
    "/reminders/history",
    "/doses",
    "/notifications",
    "/prescriptions",
)
MOST = 4  # who asks, the rows, how many there are, what belongs to them


@contextmanager
def counted(app: FastAPI) -> Iterator[list[str]]:
    """The statements that the API sends meanwhile."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    engine = app.state.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def add(caller: Caller, name: str) -> None:
    """One more of everything: a medicine that is low, a reminder that was answered, one that is due, a prescription."""
    medicine = caller.add_medicine(name, current_stock=1, min_stock_alert=6)
    caller.post(f"/reminders/{caller.remind(medicine, '07:59')}/take")
    caller.remind(medicine, "08:00")
    line = {"medicine_name": f"Not {name}", "dosage": "1", "frequency": "Daily"}
    said = {"doctor_name": f"Dr. {name}", "prescription_date": "2026-03-03", "medicines": [line, line]}
    caller.post("/prescriptions", said)


def cost(app: FastAPI, caller: Caller) -> dict[str, tuple[int, int]]:
    """Of each list: how many statements, and how many rows."""
    found = {}
    for path in LISTS:
        with counted(app) as sent:
            answer = caller.get(path)
        found[path] = (len(sent), len(answer["items"] if isinstance(answer, dict) else answer))
    return found


@pytest.fixture
def ada(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada


@pytest.fixture
def short(app: FastAPI, ada: Caller) -> dict[str, tuple[int, int]]:
    add(ada, "Metformin")
    return cost(app, ada)


def test_a_long_list_costs_as_many_statements_as_a_short_one(
    app: FastAPI, ada: Caller, short: dict[str, tuple[int, int]]
) -> None:
    for number in range(9):
        add(ada, f"Metformin {number}")
    long = cost(app, ada)

    assert {path: statements for path, (statements, _) in long.items()} == {
        path: statements for path, (statements, _) in short.items()
    }
    assert all(long[path][1] >= 10 > short[path][1] > 0 for path in LISTS)
    assert max(statements for statements, _ in long.values()) <= MOST


def test_every_list_is_counted(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    lists = {
        path.removeprefix("/api/v1")
        for path, item in paths.items()
        for schema in [item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})]
        if "items" in str(schema) or "Page_" in str(schema)
    }

    assert lists == {path.partition("?")[0] for path in LISTS}
