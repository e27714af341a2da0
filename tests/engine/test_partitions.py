"""Partitions are made ahead, once, and take with them what waited in the default one."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session, sessionmaker

from engine import partitions
from engine.metadata import metadata
from engine.partitions import TABLES, Partitioned
from tests.support.medicines import make_medicine
from tests.support.messages import run_low
from tests.support.partitions import drop_all, made
from tests.support.people import make_person
from tests.support.reminders import bell, doses_of, make_reminder, make_world
from tests.support.together import all_at_once

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
FIRST_IS_MARCH = datetime(2026, 5, 4, tzinfo=UTC)  # of the months that are made then


def held(session: Session, table: str) -> dict[str, int]:
    """Rows by partition."""
    rows = session.execute(text(f"SELECT tableoid::regclass::text AS name, count(*) FROM {table} GROUP BY 1"))
    return {row.name: row.count for row in rows}


def expected(now: datetime) -> set[str]:
    return {partitions.name_of(kind, start) for kind in TABLES for start, _ in partitions.spans(kind.span, now.date())}


def test_every_partitioned_table_is_looked_after_by_its_own_column() -> None:
    found = {
        table.name: table.dialect_options["postgresql"]["partition_by"]
        for table in metadata.tables.values()
        if table.dialect_options["postgresql"]["partition_by"]
    }
    assert found == {kind.table: f"RANGE ({kind.column})" for kind in TABLES}


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.table)
def test_every_partitioned_table_has_a_default_partition(session: Session, kind: Partitioned) -> None:
    found = session.scalar(text("SELECT to_regclass(:name)::text"), {"name": f"{kind.table}_default"})
    assert found == f"{kind.table}_default"


def test_days_reach_from_three_behind_to_eight_ahead_without_a_gap() -> None:
    days = partitions.spans("day", date(2026, 3, 3))
    assert (days[0], days[-1]) == (
        (date(2026, 2, 28), date(2026, 3, 1)),
        (date(2026, 3, 11), date(2026, 3, 12)),
    )
    assert all(one[1] == other[0] for one, other in itertools.pairwise(days))


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 3, 3), date(2025, 12, 1), date(2026, 5, 1)),
        (date(2026, 12, 31), date(2026, 10, 1), date(2027, 3, 1)),
        (date(2028, 2, 29), date(2027, 12, 1), date(2028, 5, 1)),
    ],
)
def test_months_are_whole_and_follow_one_another(today: date, first: date, last: date) -> None:
    months = partitions.spans("month", today)
    assert (months[0][0], months[-1][0]) == (first, last)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(months))
    assert {day.day for month in months for day in month} == {1}


def test_what_is_missing_is_made_and_the_second_time_nothing_is(session: Session) -> None:
    assert partitions.make_ahead(session, now=NOW) == len(expected(NOW))
    assert made(session) == expected(NOW)
    assert partitions.make_ahead(session, now=NOW) == 0
    assert partitions.make_ahead(session, now=NOW + timedelta(days=1)) == 1  # one more day of doses


def test_rows_find_the_partition_of_their_day(session: Session) -> None:
    partitions.make_ahead(session, now=NOW)
    make_world(session, at="08:00", now=NOW - timedelta(hours=1))
    assert held(session, "doses") == {"doses_20260303": 1, "doses_20260304": 1, "doses_20260305": 1}


def test_nothing_is_refused_when_partitions_are_late_and_what_waited_moves_when_they_come(session: Session) -> None:
    world = make_world(session, at="08:00", now=NOW - timedelta(hours=1))
    run_low(session, world.who, world.medicine_id, times=2, now=NOW)
    assert held(session, "doses") == {"doses_default": 3}
    doses, notifications = doses_of(session, world.reminder_id), bell(session, world.who)

    partitions.make_ahead(session, now=NOW)

    assert held(session, "doses") == {"doses_20260303": 1, "doses_20260304": 1, "doses_20260305": 1}
    assert held(session, "notifications") == {"notifications_202603": 2}
    assert doses_of(session, world.reminder_id) == doses
    assert bell(session, world.who) == notifications  # ids and transaction ids with them


def test_a_row_that_moved_is_still_the_claim(session: Session) -> None:
    who = make_person(session, now=NOW)
    medicine_id = make_medicine(session, who, now=NOW)
    run_low(session, who, medicine_id, now=NOW)
    partitions.make_ahead(session, now=NOW)
    assert run_low(session, who, medicine_id, now=NOW) == 0


def test_a_partition_has_the_keys_indexes_and_checks_of_its_table(session: Session) -> None:
    partitions.make_ahead(session, now=NOW)
    for kind in TABLES:
        name = partitions.name_of(kind, partitions.spans(kind.span, NOW.date())[0][0])
        assert shape(session, name) == shape(session, f"{kind.table}_default")


def shape(session: Session, table: str) -> tuple[list[str], list[str]]:
    columns = text("SELECT indexdef FROM pg_indexes WHERE tablename = :name")
    checks = text("SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:name) AND contype IN ('c', 'n')")
    definitions = [each.partition(" USING ")[2] for each in session.scalars(columns, {"name": table})]
    return sorted(definitions), sorted(each.replace(table, "") for each in session.scalars(checks, {"name": table}))


def test_several_who_make_them_at_once_make_them_once(committed: sessionmaker[Session], db_engine: Engine) -> None:
    try:
        counts = all_at_once(committed, lambda session: partitions.make_ahead(session, now=NOW), times=3)
        assert sorted(counts) == [0, 0, len(expected(NOW))]
    finally:
        drop_all(db_engine)


def test_a_row_that_is_being_written_while_its_partition_is_made_moves_with_the_others(
    committed: sessionmaker[Session], db_engine: Engine
) -> None:
    with committed.begin() as session:
        who = make_person(session, now=NOW)
        medicine_id = make_medicine(session, who, now=NOW)
    is_waiting = text("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'notifications_default'::regclass")
    try:
        with ThreadPoolExecutor(1) as pool, committed() as writer:
            run_low(writer, who, medicine_id, now=NOW)
            making = pool.submit(_make_ahead, committed)
            with committed() as session:
                while not session.scalar(is_waiting):
                    assert not making.done(), making.exception()
            writer.commit()
            making.result(30)
        with committed() as session:
            assert held(session, "notifications") == {"notifications_202603": 1}
    finally:
        drop_all(db_engine)


def _make_ahead(committed: sessionmaker[Session]) -> int:
    with committed.begin() as session:
        return partitions.make_ahead(session, now=FIRST_IS_MARCH)


def test_people_go_on_while_partitions_are_made(committed: sessionmaker[Session], db_engine: Engine) -> None:
    """Reminders saved before and after by others; what was saved is there, whichever partition it is in."""
    with committed.begin() as session:
        world = make_world(session, at="08:00", now=NOW - timedelta(hours=1))

    turns = itertools.count()

    def make_or_save(session: Session) -> int:
        if next(turns) == 0:
            partitions.make_ahead(session, now=NOW)
            return 0
        return make_reminder(session, world.who, world.medicine_id, at="09:00", now=NOW)

    try:
        saved = [each for each in all_at_once(committed, make_or_save, times=4) if each]
        with committed() as session:
            assert [len(doses_of(session, reminder_id)) for reminder_id in saved] == [3, 3, 3]
    finally:
        drop_all(db_engine)
