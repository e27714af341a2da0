"""The ledger as its person reads it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from engine.accounts.access import Person
from engine.inventory import ledger
from engine.inventory.history import history, span
from engine.medicines import catalogue
from tests.support.medicines import make_medicine
from tests.support.people import make_person

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def test_entries_come_newest_first_under_the_name_of_their_medicine(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    later = MORNING + timedelta(minutes=1)
    ledger.adjust(session, ada, medicine_id, adjustment=Decimal(-2), reason="dropped", now=later)
    rows, total = history(session, ada, page=1, per_page=20, now=later)
    assert total == 2
    assert [row["change_amount"] for row in rows] == [-2, 30]
    assert (rows[0]["medicine_name"], rows[0]["notes"]) == ("Metformin", "Stock removed - dropped")
    assert (rows[0]["created_at"], rows[0]["previous_stock"], rows[0]["new_stock"]) == (later, 30, 28)


def test_the_history_of_a_hidden_medicine_stays_readable(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    catalogue.hide(session, ada, make_medicine(session, ada, now=MORNING), now=MORNING)
    rows, _ = history(session, ada, page=1, per_page=20, now=MORNING)
    assert [row["medicine_name"] for row in rows] == ["Metformin"]


def test_nobody_reads_anothers_history(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    assert history(session, bob, page=1, per_page=20, medicine_id=medicine_id, now=MORNING) == ([], 0)


def test_history_can_be_narrowed_to_a_medicine_a_type_and_days(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    aspirin, _ = make_medicine(session, ada, name="Aspirin", now=MORNING), make_medicine(session, ada, now=MORNING)
    tomorrow = MORNING + timedelta(days=1)
    ledger.count(session, ada, aspirin, counted=Decimal(7), now=tomorrow)

    def total(**wanted: object) -> int:
        return history(session, ada, page=1, per_page=20, now=tomorrow, **wanted)[1]  # type: ignore[arg-type]

    assert total() == 3
    assert total(medicine_id=aspirin) == 2
    assert total(change_type="adjusted") == 1
    assert total(start_date=date(2026, 11, 25)) == 1
    assert total(end_date=date(2026, 11, 24)) == 2
    assert total(start_date=date(2020, 1, 1), end_date=date(2026, 11, 25)) == 3


def test_a_page_beyond_the_last_is_empty_and_still_knows_the_total(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    make_medicine(session, ada, now=MORNING)
    assert history(session, ada, page=5, per_page=20, now=MORNING) == ([], 1)


def test_the_days_of_a_range_are_the_persons_own() -> None:
    ada = Person(1, 0, "Europe/Riga")
    since, until = span(ada, date(2026, 10, 24), date(2026, 10, 25), now=MORNING)
    assert since == datetime(2026, 10, 23, 21, tzinfo=UTC)
    assert until == datetime(2026, 10, 25, 22, tzinfo=UTC)  # the clocks went back: that day had 25 hours


@pytest.mark.parametrize(
    ("time_zone", "now", "end_date", "until"),
    [
        # in Auckland it is tomorrow already: the old client's UTC today reaches through it
        (
            "Pacific/Auckland",
            datetime(2026, 11, 24, 20, tzinfo=UTC),
            date(2026, 11, 24),
            datetime(2026, 11, 25, 11, tzinfo=UTC),
        ),
        (
            "Pacific/Auckland",
            datetime(2026, 11, 24, 20, tzinfo=UTC),
            date(2026, 11, 23),
            datetime(2026, 11, 23, 11, tzinfo=UTC),
        ),
        # in Los Angeles it is still yesterday
        (
            "America/Los_Angeles",
            datetime(2026, 11, 24, 2, tzinfo=UTC),
            date(2026, 11, 24),
            datetime(2026, 11, 25, 8, tzinfo=UTC),
        ),
    ],
)
def test_a_range_that_ends_on_todays_utc_date_means_through_the_persons_today(
    time_zone: str, now: datetime, end_date: date, until: datetime
) -> None:
    assert span(Person(1, 0, time_zone), None, end_date, now=now) == (None, until)


def test_a_range_that_begins_on_todays_utc_date_begins_with_the_persons_today() -> None:
    now = datetime(2026, 11, 24, 2, tzinfo=UTC)  # in Los Angeles it is still yesterday
    angeleno, aucklander = Person(1, 0, "America/Los_Angeles"), Person(1, 0, "Pacific/Auckland")
    assert span(angeleno, date(2026, 11, 24), None, now=now) == (datetime(2026, 11, 23, 8, tzinfo=UTC), None)
    assert span(angeleno, date(2026, 11, 25), None, now=now) == (datetime(2026, 11, 25, 8, tzinfo=UTC), None)
    assert span(aucklander, date(2026, 11, 24), None, now=now) == (datetime(2026, 11, 23, 11, tzinfo=UTC), None)


def test_the_ends_of_the_calendar_are_no_trap() -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        since, until = span(Person(1, 0, zone), date.min, date.max, now=MORNING)
        assert since is not None
        assert until is None
        span(Person(1, 0, zone), date.max, date.max - timedelta(days=1), now=MORNING)
