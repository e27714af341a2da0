"""The bell: list, read, delete. A stranger finds nothing there."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import answers, due, shards
from engine.errors import NotFound
from engine.notifications import inbox
from tests.support.medicines import make_medicine
from tests.support.messages import run_low
from tests.support.people import make_person
from tests.support.reminders import World, bell, dose_on, make_world
from tests.support.sweeps import sweep, sweep_gaps

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def ada(session: Session) -> World:
    """Ada has been told of a dose, and before it three times of a low stock."""
    world = make_world(session, at="08:00", now=NOW - timedelta(hours=1))
    run_low(session, world.who, world.medicine_id, times=3, now=NOW - timedelta(minutes=30))
    sweep(session, now=NOW)
    return world


@pytest.fixture
def cy(session: Session) -> Who:
    """A stranger."""
    return make_person(session, name="cy", now=NOW)


def ids(session: Session, who: Who, **wanted: object) -> list[int]:
    items, _ = inbox.listing(session, who, **({"page": 1, "per_page": 20} | wanted))
    return [each["id"] for each in items]


def test_the_newest_comes_first_in_the_words_and_fields_a_client_needs(session: Session, ada: World) -> None:
    items, total = inbox.listing(session, ada.who, page=1, per_page=20)
    assert total == 4
    assert [each["type"] for each in items] == ["reminder", "low_stock", "low_stock", "low_stock"]
    dose = dose_on(session, ada.reminder_id, NOW.date())
    assert items[0] == {
        "id": bell(session, ada.who)[-1]["id"],
        "type": "reminder",
        "kind": "due",
        "title": "💊 Time to take your medicine",
        "message": "Metformin - 1 tablet (08:00)",
        "is_read": False,
        "read_at": None,
        "action_taken": None,
        "action_url": "/reminders",
        "created_at": NOW,
        "reference_type": "reminder",
        "reference_id": ada.reminder_id,
        "dose_id": dose["id"],
        "reminder_id": ada.reminder_id,
        "medicine_id": ada.medicine_id,
        "due_at": NOW,
        "scheduled_time": "2026-03-03T08:00:00",
    }
    assert (items[1]["reference_type"], items[1]["reference_id"]) == ("medicine", ada.medicine_id)
    assert (items[1]["dose_id"], items[1]["reminder_id"], items[1]["scheduled_time"]) == (None, None, None)


def test_pages_are_cut_and_counted_even_beyond_the_last(session: Session, ada: World) -> None:
    everything = ids(session, ada.who)
    assert ids(session, ada.who, per_page=3) == everything[:3]
    assert ids(session, ada.who, per_page=3, page=2) == everything[3:]
    assert inbox.listing(session, ada.who, page=3, per_page=3) == ([], 4)


def test_the_list_is_narrowed_by_kind_and_by_whether_it_was_read(session: Session, ada: World) -> None:
    newest, *others = ids(session, ada.who)
    inbox.mark_read(session, ada.who, others[0], now=LATER)
    assert ids(session, ada.who, kind="reminder") == [newest]
    assert ids(session, ada.who, kind="low_stock") == others
    assert ids(session, ada.who, kind="prescription_expiry") == []
    assert ids(session, ada.who, is_read=True) == [others[0]]
    assert inbox.listing(session, ada.who, page=1, per_page=1, kind="low_stock", is_read=False)[1] == 2


def test_a_missed_notice_is_of_the_same_type_as_the_reminder_it_replaces(session: Session, ada: World) -> None:
    sweep(session, now=dose_on(session, ada.reminder_id, NOW.date())["closes_at"])
    items, _ = inbox.listing(session, ada.who, page=1, per_page=2, kind="reminder")
    assert [(each["kind"], each["is_read"]) for each in items] == [("missed", False), ("due", True)]


def test_reading_keeps_the_first_time(session: Session, ada: World) -> None:
    [newest, *_] = ids(session, ada.who)
    assert inbox.mark_read(session, ada.who, newest, now=NOW)["read_at"] == NOW
    assert inbox.mark_read(session, ada.who, newest, now=LATER)["read_at"] == NOW
    assert inbox.counts(session, ada.who) == {"total": 4, "unread": 3}


def test_all_are_read_at_once_and_only_ones_own(session: Session, ada: World, cy: Who) -> None:
    run_low(session, cy, make_medicine(session, cy, now=NOW), now=NOW)
    assert inbox.mark_all_read(session, ada.who, now=LATER) == 4
    assert inbox.mark_all_read(session, ada.who, now=LATER) == 0
    assert inbox.counts(session, ada.who) == {"total": 4, "unread": 0}
    assert inbox.counts(session, cy) == {"total": 1, "unread": 1}


def test_what_is_deleted_is_gone_for_its_person_and_stays_as_the_claim(session: Session, ada: World) -> None:
    [newest, *others] = ids(session, ada.who)
    inbox.delete(session, ada.who, newest, now=LATER)

    assert ids(session, ada.who) == others
    assert inbox.counts(session, ada.who) == {"total": 3, "unread": 3}
    for call in (inbox.one, lambda *args: inbox.mark_read(*args, now=LATER), lambda *a: inbox.delete(*a, now=LATER)):
        with pytest.raises(NotFound):
            call(session, ada.who, newest)
    assert [row["deleted_at"] for row in bell(session, ada.who) if row["id"] == newest] == [LATER]


def test_a_deleted_notification_is_not_told_again_by_any_sweep(session: Session, ada: World) -> None:
    inbox.delete_all(session, ada.who, now=LATER)
    lease = shards.lease(session, ada.who.person.shard)
    assert lease is not None
    assert due.claim(session, lease, now=LATER).told == 0
    assert sweep_gaps(session, ada.who, now=LATER).told == 0
    assert due.claim_inline(session, ada.reminder_id, now=LATER).told == 0
    assert run_low(session, ada.who, ada.medicine_id, times=3, now=LATER) == 0
    assert ids(session, ada.who) == []


def test_all_are_deleted_at_once_and_only_ones_own(session: Session, ada: World, cy: Who) -> None:
    run_low(session, cy, make_medicine(session, cy, now=NOW), now=NOW)
    assert inbox.delete_all(session, ada.who, now=LATER) == 4
    assert inbox.delete_all(session, ada.who, now=LATER) == 0
    assert len(ids(session, cy)) == 1


def test_a_stranger_finds_changes_and_deletes_nothing(session: Session, ada: World, cy: Who) -> None:
    [newest, *_] = ids(session, ada.who)
    assert inbox.listing(session, cy, page=1, per_page=20) == ([], 0)
    for call in (inbox.one, lambda *args: inbox.mark_read(*args, now=LATER), lambda *a: inbox.delete(*a, now=LATER)):
        with pytest.raises(NotFound) as found:
            call(session, cy, newest)
        assert found.value.code == "notification_not_found"
    assert inbox.mark_all_read(session, cy, now=LATER) == inbox.delete_all(session, cy, now=LATER) == 0
    row = bell(session, ada.who)[-1]
    assert (row["read_at"], row["deleted_at"]) == (None, None)


def test_an_answer_marks_what_was_said_of_the_dose_and_an_undo_takes_that_back(session: Session, ada: World) -> None:
    [newest, *_] = ids(session, ada.who)
    answers.answer(session, ada.who, ada.reminder_id, status="skipped", reason="nausea", now=LATER)
    shown = inbox.one(session, ada.who, newest)
    assert (shown["is_read"], shown["read_at"], shown["action_taken"]) == (True, LATER, "skipped")

    answers.undo(session, ada.who, shown["dose_id"], now=LATER + timedelta(seconds=1))
    assert inbox.one(session, ada.who, newest)["action_taken"] is None
