"""Days that are over are dropped whole, and never with an open dose in them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from engine import partitions
from engine.doses import lookup, retention
from engine.doses.retention import Retired
from tests.support.reminders import World, make_world
from tests.support.sweeps import sweep

BEFORE = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
EIGHT = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
OVER = EIGHT + timedelta(days=4)  # 3 March is over, everywhere, since the end of the 6th


@pytest.fixture
def ada(committed: sessionmaker[Session]) -> Iterator[World]:
    """One dose on 3 March, and days of their own in March; the day of a test is put back as it was."""
    with committed.begin() as session:
        partitions.make_ahead(session, now=BEFORE)
        world = make_world(session, now=BEFORE, end_date=BEFORE.date())
    yield world
    with committed.begin() as session:
        retention.retire(session, now=datetime(2026, 6, 1, tzinfo=UTC))
        for name in _days(session):
            if name < "doses_202606":
                session.execute(text(f"DROP TABLE {name}"))


def _days(session: Session) -> list[str]:
    return list(session.scalars(retention._DAYS))


def _is_there(session: Session, day: str) -> bool:
    return f"doses_{day}" in _days(session)


def test_a_day_whose_doses_are_closed_is_dropped_and_what_came_of_them_stays(
    committed: sessionmaker[Session], ada: World
) -> None:
    with committed.begin() as session:
        sweep(session, now=EIGHT)
        sweep(session, now=EIGHT + timedelta(hours=5))
        dose_id = session.scalars(text("SELECT id FROM doses")).one()

    with committed.begin() as session:
        assert _is_there(session, "20260303")
        retired = retention.retire(session, now=OVER)

    assert retired.dropped >= 1
    with committed() as session:
        assert not _is_there(session, "20260303")
        assert lookup.by_id(session, ada.who, dose_id).status == "missed"


def test_a_day_with_a_dose_nobody_closed_is_kept(committed: sessionmaker[Session], ada: World) -> None:
    with committed.begin() as session:
        retired = retention.retire(session, now=OVER)

    assert retired.kept == 1
    with committed() as session:
        assert _is_there(session, "20260303")


def test_a_day_that_may_still_go_on_somewhere_is_kept(committed: sessionmaker[Session], ada: World) -> None:
    with committed.begin() as session:
        sweep(session, now=EIGHT)
        sweep(session, now=EIGHT + timedelta(hours=5))
        retention.retire(session, now=EIGHT + timedelta(days=3))
        assert _is_there(session, "20260303")


def test_dropping_twice_is_dropping_once(committed: sessionmaker[Session], ada: World) -> None:
    with committed.begin() as session:
        sweep(session, now=EIGHT + timedelta(hours=5))
        retention.retire(session, now=OVER)
        assert retention.retire(session, now=OVER) == Retired()
