"""Ranges of doses, history and single ones."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch import answers, regimen
from engine.doses import queries
from engine.errors import NotFound
from tests.support.people import make_person
from tests.support.reminders import World, dose_on, doses_of, make_reminder, make_world
from tests.support.sweeps import sweep

TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


def listed(session: Session, world: World, *, now: datetime, **given: Any) -> tuple[list[dict[str, Any]], int]:
    wanted = {"start": TODAY, "end": TODAY + timedelta(days=2), "status": None, "page": 1, "per_page": 20} | given
    return queries.doses(session, world.who, now=now, **wanted)


def history(session: Session, world: World, *, now: datetime, **given: Any) -> tuple[list[dict[str, Any]], int]:
    wanted = {"start_date": TODAY, "end_date": TODAY, "status": None, "page": 1, "per_page": 20} | given
    return queries.history(session, world.who, now=now, **wanted)


# --- ranges ---------------------------------------------------------------------------------------------------------


def test_a_range_lists_open_doses_and_outcomes_oldest_first(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", notes="with milk", now=riga(8, 5))
    found, total = listed(session, ada, now=riga(9))
    assert [(dose["planned_on"].day, dose["status"]) for dose in found] == [
        (24, "taken"),
        (25, "scheduled"),
        (26, "scheduled"),
    ]
    assert total == 3
    first = found[0]
    assert (first["scheduled_time"], first["due_at"]) == ("2026-11-24T08:00:00", riga(8))
    assert (first["taken_at"], first["recorded_at"], first["source"]) == (riga(8, 5), riga(8, 5), "app")
    assert (first["recorded_by"], first["notes"], first["revision"]) == (ada.who.actor_id, "with milk", 1)


@pytest.mark.parametrize(
    ("status", "days"),
    [("due", [24]), ("scheduled", [25, 26]), ("taken", []), (None, [24, 25, 26])],
)
def test_a_range_can_be_of_one_status(session: Session, status: str | None, days: list[int]) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    found, total = listed(session, ada, status=status, now=riga(9))
    assert [dose["planned_on"].day for dose in found] == days
    assert total == len(days)


def test_pages_divide_a_range_and_each_knows_the_whole(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    pages = [listed(session, ada, page=page, per_page=2, now=riga(9)) for page in (1, 2, 3)]
    assert [[dose["planned_on"].day for dose in found] for found, _ in pages] == [[24, 25], [26], []]
    assert [total for _, total in pages] == [3, 3, 3]


def test_what_was_cancelled_is_in_no_range(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    regimen.edit_reminder(session, ada.who, ada.reminder_id, given={"is_active": False}, is_put=False, now=riga(9))
    assert listed(session, ada, now=riga(9)) == ([], 0)


def test_an_outcome_stays_in_its_range_after_its_row_was_dropped_and_is_not_listed_twice_before(
    session: Session,
) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    answers.answer(session, ada.who, dose_id, status="taken", now=riga(8))
    before = listed(session, ada, end=TODAY, now=riga(9))
    session.execute(text("DELETE FROM doses WHERE id = :id"), {"id": dose_id})
    after = listed(session, ada, end=TODAY, now=riga(9))
    assert before == after
    assert after[1] == 1
    assert queries.one(session, ada.who, dose_id, now=riga(9))["status"] == "taken"


def test_one_dose_is_its_persons_alone(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    assert queries.one(session, ada.who, dose_id, now=riga(7))["id"] == dose_id
    with pytest.raises(NotFound):
        queries.one(session, cy, dose_id, now=riga(7))


# --- history --------------------------------------------------------------------------------------------------------


def a_past(session: Session) -> World:
    """Taken, skipped, missed and one of which nobody was reminded, at 8, 9, 10 and 11 o'clock."""
    ada = make_world(session, at="08:00", now=EARLY)
    nine, ten, _ = (
        make_reminder(session, ada.who, ada.medicine_id, at=at, grace_minutes=30, now=EARLY)
        for at in ("09:00", "10:00", "11:00")
    )
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8, 10))
    answers.answer(session, ada.who, nine, status="skipped", reason="nausea", now=riga(9))
    sweep(session, now=riga(10))
    sweep(session, now=riga(12))
    assert doses_of(session, ten)
    return ada


def test_history_is_what_closed_newest_first_without_what_nobody_was_reminded_of(session: Session) -> None:
    ada = a_past(session)
    found, total = history(session, ada, now=riga(12))
    assert [(each["scheduled_time"][11:16], each["status"]) for each in found] == [
        ("10:00", "missed"),
        ("09:00", "skipped"),
        ("08:00", "taken"),
    ]
    assert total == 3
    assert found[2]["taken_time"] == riga(8, 10)
    assert found[1]["reason"] == "nausea"
    assert {each["medicine_name"] for each in found} == {"Metformin"}


@pytest.mark.parametrize(("status", "count"), [("taken", 1), ("skipped", 1), ("missed", 1), (None, 3)])
def test_history_can_be_of_one_status(session: Session, status: str | None, count: int) -> None:
    ada = a_past(session)
    assert history(session, ada, status=status, now=riga(12))[1] == count


def test_history_holds_only_the_outcome_that_stands(session: Session) -> None:
    ada = a_past(session)
    answers.answer(
        session, ada.who, history(session, ada, status="missed", now=riga(12))[0][0]["dose_id"], status="taken",
        now=riga(12),
    )  # fmt: skip
    assert history(session, ada, status="missed", now=riga(12)) == ([], 0)
    assert history(session, ada, status="taken", now=riga(12))[1] == 2


def test_pages_of_history_know_the_whole_also_beyond_the_last(session: Session) -> None:
    ada = a_past(session)
    assert [history(session, ada, page=page, per_page=2, now=riga(12))[1] for page in (1, 2, 9)] == [3, 3, 3]
    assert history(session, ada, page=9, per_page=2, now=riga(12))[0] == []


def test_a_range_that_ends_on_todays_utc_date_means_through_the_persons_today_in_the_east(session: Session) -> None:
    now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # 09:00 on the 25th in Apia
    ada = make_world(session, time_zone="Pacific/Apia", at="08:00", now=now)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=now)
    assert [each["scheduled_time"] for each in history(session, ada, now=now)[0]] == ["2026-11-25T08:00:00"]
    later = now + timedelta(days=1)  # now a range that ends on the 24th means just that
    assert history(session, ada, now=later) == ([], 0)


def test_a_range_of_todays_utc_date_means_the_persons_today_in_the_west(session: Session) -> None:
    now = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # 18:00 on the 24th in Adak
    ada = make_world(session, time_zone="America/Adak", at="17:00", now=now)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=now)
    found, _ = history(session, ada, start_date=TOMORROW, end_date=TOMORROW, now=now)
    assert [each["scheduled_time"] for each in found] == ["2026-11-24T17:00:00"]


def test_without_a_range_history_goes_back_thirty_days(session: Session) -> None:
    ada = a_past(session)
    last, too_late = riga(12) + timedelta(days=30), riga(12) + timedelta(days=31)
    assert history(session, ada, start_date=None, end_date=None, now=last)[1] == 3
    assert history(session, ada, start_date=None, end_date=None, now=too_late)[1] == 0


def test_history_of_a_deleted_reminder_is_hidden(session: Session) -> None:
    ada = a_past(session)
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(13))
    assert [each["status"] for each in history(session, ada, now=riga(13))[0]] == ["missed", "skipped"]
