"""Reminders as they are listed and shown."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from engine.dispatch import regimen
from engine.errors import NotFound
from engine.reminders import queries
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.reminders import make_reminder, make_world

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def test_a_reminder_is_shown_as_it_was_saved_with_its_rule_in_words_and_its_next_dose(session: Session) -> None:
    ada = make_world(
        session, frequency="specific_days", specific_days=[4, 1], dosage_amount="1/2", notes="with milk", now=EARLY
    )
    shown = queries.one(session, ada.who, ada.reminder_id, now=EARLY)
    assert (shown["reminder_time"], shown["frequency"], shown["specific_days"]) == (time(8), "specific_days", [1, 4])
    assert (shown["interval_days"], shown["start_date"], shown["end_date"]) == (None, date(2026, 11, 24), None)
    assert (shown["dosage_amount"], shown["dosage_unit"], shown["notes"]) == ("1/2", "tablet", "with milk")
    assert (shown["is_active"], shown["time_zone"], shown["grace_minutes"]) == (True, "Europe/Riga", None)
    assert shown["sentence"] == "0.5 tablet at 08:00 on Mondays and Thursdays, from 24 November 2026"
    assert shown["next_dose_at"] == datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
    assert shown["medicine"] == {
        "id": ada.medicine_id,
        "name": "Metformin",
        "dosage": "500 mg",
        "form": "tablet",
        "unit": "tablets",
    }
    assert shown["rule"]["version"] == 1


def test_a_reminder_that_is_off_or_over_has_no_next_dose(session: Session) -> None:
    ada = make_world(session, is_active=False, now=EARLY)
    over = make_reminder(session, ada.who, ada.medicine_id, end_date=date(2026, 11, 25), now=EARLY)
    later = EARLY + timedelta(days=2)
    for reminder_id in (ada.reminder_id, over):
        assert queries.one(session, ada.who, reminder_id, now=later)["next_dose_at"] is None


def test_a_list_holds_inactive_ones_too_and_can_be_of_one_medicine(session: Session) -> None:
    ada = make_world(session, is_active=False, now=EARLY)
    other = make_medicine(session, ada.who, name="Ibuprofen", now=EARLY)
    second = make_reminder(session, ada.who, other, now=EARLY)
    listed, total = queries.listing(session, ada.who, page=1, per_page=20, now=EARLY)
    assert ([each["id"] for each in listed], total) == ([ada.reminder_id, second], 2)
    of_other, total = queries.listing(session, ada.who, page=1, per_page=20, medicine_id=other, now=EARLY)
    assert ([each["id"] for each in of_other], total) == ([second], 1)


def test_pages_know_the_whole_also_beyond_the_last(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    for _ in range(2):
        make_reminder(session, ada.who, ada.medicine_id, now=EARLY)
    pages = [queries.listing(session, ada.who, page=page, per_page=2, now=EARLY) for page in (1, 2, 3)]
    assert [len(found) for found, _ in pages] == [2, 1, 0]
    assert [total for _, total in pages] == [3, 3, 3]


def test_strangers_and_the_deleted_do_not_exist(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    assert queries.listing(session, cy, page=1, per_page=20, now=EARLY) == ([], 0)
    with pytest.raises(NotFound):
        queries.one(session, cy, ada.reminder_id, now=EARLY)
    with pytest.raises(NotFound):
        queries.require(session, cy, ada.reminder_id)
    queries.require(session, ada.who, ada.reminder_id)
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=EARLY)
    with pytest.raises(NotFound):
        queries.one(session, ada.who, ada.reminder_id, now=EARLY)
    with pytest.raises(NotFound):
        queries.require(session, ada.who, ada.reminder_id)
