"""The public id of a dose."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.doses.identity import HANDLES_FROM, PUBLIC_ID_SQL, is_dose_handle, key_date_of, public_id

A_DAY = date(2026, 11, 24)


def test_an_id_tells_its_day_and_is_a_number_javascript_can_hold() -> None:
    first, last = public_id(A_DAY, 1), public_id(date(2179, 6, 6), HANDLES_FROM - 1)
    assert key_date_of(first) == A_DAY
    assert key_date_of(last) == date(2179, 6, 6)
    assert last < 2**53


@pytest.mark.parametrize(
    ("handle", "is_dose"), [(1, False), (HANDLES_FROM - 1, False), (HANDLES_FROM, True), (2**53 - 1, True)]
)
def test_no_number_is_both_a_reminders_and_a_doses(handle: int, is_dose: bool) -> None:
    assert is_dose_handle(handle) is is_dose


def test_the_database_makes_the_same_ids(session: Session) -> None:
    made = session.execute(
        text(f"SELECT {PUBLIC_ID_SQL}, currval('dose_ids') FROM (SELECT DATE '2026-11-24') d(key_date)")
    )
    dose_id, sequence = made.one()
    assert dose_id == public_id(A_DAY, sequence)
