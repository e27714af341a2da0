"""Foreign keys run downhill, as imports do, and tie a person's rows to rows of the same person only."""

from collections.abc import Iterator

import pytest
from sqlalchemy import BigInteger, Column, ForeignKey, ForeignKeyConstraint, MetaData, Table, text
from sqlalchemy.orm import Session

from engine.metadata import metadata
from engine.partitions import TABLES as PARTITIONED
from tests.architecture.house import is_below
from tests.architecture.ownership import owners

# Moved in bulk, partitioned or dropped: the invariants are checked instead.
WITHOUT_FOREIGN_KEYS = {"doses", "reminder_logs", "notifications", "outbox", "deliveries", "events", "wakeups"}


def _uphill(tables: MetaData) -> Iterator[str]:
    for table in tables.tables.values():
        for key in table.foreign_keys:
            mine, theirs = owners()[table.name], owners()[key.column.table.name]
            if not is_below(theirs, mine):
                yield f"{table.name} of {mine} -> {key.column.table.name} of {theirs}"


def test_foreign_keys_run_downhill() -> None:
    assert not list(_uphill(metadata))


@pytest.mark.parametrize(
    ("table", "target"),
    [("medicines", "reminders.id"), ("reminders", "inventory_history.id"), ("users", "sessions.id")],
)
def test_a_planted_foreign_key_uphill_is_seen(table: str, target: str) -> None:
    other = MetaData()
    Table(target.split(".")[0], other, Column("id", BigInteger, primary_key=True))
    Table(table, other, Column("points_at", ForeignKey(target)))

    assert bool(list(_uphill(other))) == (table != "users")  # a capability may point at itself


def test_a_row_of_a_person_points_only_at_rows_of_the_same_person() -> None:
    """The person is part of every key between two tables of people's data, so no row can name a stranger's."""
    loose = [
        f"{table.name}.{constraint.column_keys} -> {constraint.referred_table.name}"
        for table, constraint in _foreign_keys()
        if constraint.referred_table.name != "users"
        and "user_id" in table.columns
        and ("user_id", "user_id") not in [(key.parent.name, key.column.name) for key in constraint.elements]
    ]

    assert not loose


def test_tables_whose_rows_move_in_bulk_have_no_foreign_keys_from_or_to_them() -> None:
    tied = {table.name for table, _ in _foreign_keys()} | {key.referred_table.name for _, key in _foreign_keys()}

    assert not tied & WITHOUT_FOREIGN_KEYS
    assert {kind.table for kind in PARTITIONED} <= WITHOUT_FOREIGN_KEYS


def test_what_hangs_on_a_person_goes_with_them(session: Session) -> None:
    """A line outlives its medicine, but nothing stands in the way of erasing the person."""
    kept = {str(key.name) for _, key in _foreign_keys() if key.ondelete != "CASCADE"}
    assert kept == {"fk_prescription_medicines_user_id_medicine_id"}

    at = "'2026-03-02T06:00Z'"
    for statement in (
        f"INSERT INTO users VALUES (1, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'Europe/Riga', false, {at}, {at}, NULL)",
        f"INSERT INTO medicines VALUES (1, 1, 'A', 'a', NULL, '', '', '', NULL, {at}, {at}, NULL)",
        f"INSERT INTO prescriptions VALUES (1, 1, 'Dr', NULL, '2026-03-02', NULL, NULL, true, NULL, {at}, {at}, NULL)",
        "INSERT INTO prescription_medicines VALUES (1, 1, 1, 0, 1, 'A', '', '', NULL, NULL)",
        "INSERT INTO medicines SELECT 2, 1, 'B', 'b', NULL, '', '', '', NULL, created_at, updated_at, NULL FROM users",
        "INSERT INTO prescription_medicines VALUES (2, 1, 1, 1, 2, 'B', '', '', NULL, NULL)",
        "DELETE FROM medicines WHERE id = 2",
    ):
        session.execute(
            text(
                statement.replace(" VALUES", " OVERRIDING SYSTEM VALUE VALUES").replace(
                    " SELECT 2", " OVERRIDING SYSTEM VALUE SELECT 2"
                )
            )
        )
    lines = "SELECT id, medicine_id FROM prescription_medicines ORDER BY id"
    assert session.execute(text(lines)).all() == [(1, 1), (2, None)]

    session.execute(text("DELETE FROM users WHERE id = 1"))

    assert session.execute(text(lines)).all() == []


def _foreign_keys() -> list[tuple[Table, ForeignKeyConstraint]]:
    return [(table, key) for table in metadata.tables.values() for key in table.foreign_key_constraints]
