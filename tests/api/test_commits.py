"""What was answered is kept: the commit comes first, and where it fails nothing is left and nothing is called done."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from tests.support.callers import PASSWORD, Caller

FAILS_FOR_GOOD, FAILS_FOR_NOW = "23514", "40001"  # a check violation; a serialization failure, to be tried again
MEDICINE = {"name": "Aspirin", "form": "tablet", "dosage": "100 mg", "unit": "tablets", "current_stock": 6}
LINE = {"medicine_name": "Aspirin", "dosage": "100 mg", "frequency": "Daily"}
TABLES = (
    "users",
    "sessions",
    "medicines",
    "stocks",
    "reminders",
    "reminder_logs",
    "prescriptions",
    "answered_requests",
)


@contextmanager
def commits_fail(engine: Engine, table: str, *, state: str, times: int) -> Iterator[None]:
    """The first `times` transactions that write to this table break at their COMMIT, and not before."""
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SEQUENCE broken_commits MAXVALUE {max(times, 1) * 1000}"))
        connection.execute(
            text(
                "CREATE FUNCTION break_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF nextval('broken_commits') <= {times} THEN"
                f" RAISE EXCEPTION 'Metformin of ada@example.com' USING ERRCODE = '{state}'; END IF;"
                " RETURN NULL; END $$"
            )
        )
        connection.execute(
            text(
                f"CREATE CONSTRAINT TRIGGER break_commit AFTER INSERT OR UPDATE ON {table}"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break_commit()"
            )
        )
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP FUNCTION break_commit CASCADE"))
            connection.execute(text("DROP SEQUENCE broken_commits"))


def rows(committed: sessionmaker[Session]) -> dict[str, str]:
    """Everything there is, in short: versions of rows included."""
    with committed() as session:
        statement = "SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {} t"
        return {table: str(session.scalar(text(statement.format(table)))) for table in TABLES}


@pytest.mark.parametrize(
    ("table", "method", "path"),
    [
        ("users", "POST", "/auth/register"),
        ("sessions", "POST", "/auth/login"),
        ("sessions", "POST", "/auth/logout"),
        ("users", "PATCH", "/auth/me"),
        ("medicines", "POST", "/medicines"),
        ("answered_requests", "POST", "/medicines"),
        ("medicines", "DELETE", "/medicines/{medicine}"),
        ("stocks", "POST", "/medicines/{medicine}/adjust-stock"),
        ("reminders", "POST", "/reminders"),
        ("reminder_logs", "POST", "/reminders/{reminder}/take"),
        ("prescriptions", "POST", "/prescriptions"),
    ],
)
def test_a_commit_that_fails_is_no_success_and_leaves_nothing(
    db_engine: Engine, committed: sessionmaker[Session], ada: Caller, table: str, method: str, path: str
) -> None:
    medicine = ada.add_medicine()
    reminder = ada.add_reminder(medicine)
    said = {
        "/auth/register": {"email": "eve@example.com", "password": PASSWORD},
        "/auth/login": {"email": ada.email, "password": PASSWORD},
        "/auth/me": {"first_name": "Eve"},
        "/medicines": MEDICINE,
        "/medicines/{medicine}/adjust-stock": {"adjustment": 1},
        "/reminders": {"medicine_id": medicine, "reminder_time": "20:00"},
        "/prescriptions": {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03", "medicines": [LINE]},
    }.get(path)
    before = rows(committed)

    with commits_fail(db_engine, table, state=FAILS_FOR_GOOD, times=1000):
        headers = {"Idempotency-Key": "once"} if table == "answered_requests" else {}
        where = path.format(medicine=medicine, reminder=reminder)
        problem = ada.refused(500, method, where, said, headers=headers)

    assert "Metformin" not in str(problem)
    assert rows(committed) == before
    assert ada.call(method, where, json=said, headers=headers).is_success


def test_a_commit_that_must_be_tried_again_is_and_counts_once(db_engine: Engine, ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    with commits_fail(db_engine, "stocks", state=FAILS_FOR_NOW, times=2):
        assert ada.post(f"/medicines/{medicine}/adjust-stock?adjustment=1")["current_stock"] == 7

    assert ada.get("/medicines/inventory-history")["total"] == 2


def test_a_commit_that_never_gets_through_asks_to_come_back(db_engine: Engine, ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    with commits_fail(db_engine, "stocks", state=FAILS_FOR_NOW, times=1000):
        answer = ada.refused(503, "POST", f"/medicines/{medicine}/adjust-stock?adjustment=1")

    assert answer["code"] == "busy"
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 6
