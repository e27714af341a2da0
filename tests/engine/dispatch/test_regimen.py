"""Saving a rule and its doses together: edits, switching off and on, deleting, and the first choice of a zone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import answers, regimen
from engine.errors import EngineError, Invalid, NotFound
from engine.inventory import cabinet
from engine.reminders import queries
from engine.reminders.models import ReminderVersion
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.reminders import (
    World,
    bell,
    dose_on,
    doses_of,
    facts,
    make_reminder,
    make_world,
    on_hand,
    revisions,
    standing,
)
from tests.support.sweeps import sweep, wind_back
from tests.support.together import all_at_once, in_background, until_it_waits_or_ends

TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def edit(session: Session, world: World, *, now: datetime, **given: Any) -> dict[str, Any]:
    return regimen.edit_reminder(session, world.who, world.reminder_id, given=given, is_put=False, now=now)


def versions(session: Session, reminder_id: int) -> int:
    statement = select(func.count()).where(ReminderVersion.reminder_id == reminder_id)
    return session.execute(statement.select_from(ReminderVersion)).scalar_one()


# --- saving ---------------------------------------------------------------------------------------------------------


def test_a_reminder_needs_a_medicine_of_its_person(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    with pytest.raises(NotFound):
        make_reminder(session, cy, ada.medicine_id, now=EARLY)


def test_only_an_edit_of_when_or_how_much_makes_a_version(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    edit(session, ada, notes="after breakfast", grace_minutes=90, now=riga(7, 1))
    edit(session, ada, reminder_time=time(8), frequency="daily", start_date=TODAY, dosage_amount="1", now=riga(7, 2))
    assert versions(session, ada.reminder_id) == 1
    edit(session, ada, reminder_time=time(9), now=riga(7, 3))
    edit(session, ada, dosage_amount="2", now=riga(7, 4))
    assert versions(session, ada.reminder_id) == 3
    assert dose_on(session, ada.reminder_id, TODAY)["rule_version"] == 3


def test_a_strangers_reminder_can_be_neither_edited_nor_deleted(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    theirs = World(cy, ada.medicine_id, ada.reminder_id)
    with pytest.raises(NotFound):
        edit(session, theirs, notes="mine now", now=EARLY)
    with pytest.raises(NotFound):
        regimen.remove_reminder(session, cy, ada.reminder_id, now=EARLY)
    assert len(doses_of(session, ada.reminder_id)) == 3


def test_an_edit_that_cannot_be_meant_changes_nothing(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    before = queries.one(session, ada.who, ada.reminder_id, now=EARLY)
    with pytest.raises(Invalid):
        edit(session, ada, frequency="specific_days", specific_days=[], now=riga(7, 1))
    assert queries.one(session, ada.who, ada.reminder_id, now=EARLY) == before


def test_edits_at_once_follow_one_another_and_none_is_lost(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_world(session, at="20:00", now=EARLY)
    minutes = iter(range(8))

    def save(session: Session) -> int:
        edited = edit(session, ada, reminder_time=time(21, next(minutes)), now=riga(7, 1))
        return int(edited["id"])

    assert all_at_once(committed, save, times=8) == [ada.reminder_id] * 8
    with committed() as session:
        assert versions(session, ada.reminder_id) == 9
        shown = queries.one(session, ada.who, ada.reminder_id, now=EARLY)["reminder_time"]
        assert {dose["planned_local"].time() for dose in doses_of(session, ada.reminder_id)} == {shown}
        assert len(doses_of(session, ada.reminder_id)) == 3


def test_an_edit_and_a_claim_at_once_tell_the_dose_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_world(session, at="08:00", now=EARLY)
    edits = iter([True, False, False, False] * 2)

    def race(session: Session) -> None:
        if next(edits):
            edit(session, ada, reminder_time=time(8, 30), now=riga(8))
        else:
            sweep(session, now=riga(8))

    assert all_at_once(committed, race, times=8) == [None] * 8
    with committed.begin() as session:
        assert dose_on(session, ada.reminder_id, TODAY)["due_at"] == riga(8)  # it was due: it stays what it was
        assert sweep(session, now=riga(8, 30)).told == 0
        assert len(bell(session, ada.who)) == 1


# --- switching off and on -------------------------------------------------------------------------------------------


def test_switching_off_cancels_what_is_open_and_withdraws_what_lies_ahead(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    edit(session, ada, is_active=False, now=riga(9))
    (today,) = doses_of(session, ada.reminder_id)
    assert standing(session, today["id"]) == "cancelled"
    assert [fact["status"] for fact in facts(session, ada.who)] == ["cancelled"]
    with pytest.raises(EngineError, match="switched off"):
        answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(9))


def test_switching_on_again_while_the_window_holds_opens_the_dose_again(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    edit(session, ada, is_active=False, now=riga(9))
    edit(session, ada, is_active=True, now=riga(11, 59, 59))
    today = dose_on(session, ada.reminder_id, TODAY)
    assert [each["status"] for each in revisions(session, today["id"])] == ["cancelled", "open"]
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 25, 26, 27]
    assert len(bell(session, ada.who)) == 1
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(11, 59, 59))
    assert on_hand(session, ada.medicine_id) == 5


def test_switching_on_after_the_window_leaves_the_dose_cancelled(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    edit(session, ada, is_active=False, now=riga(9))
    edit(session, ada, is_active=True, now=riga(12))
    assert standing(session, dose_on(session, ada.reminder_id, TODAY)["id"]) == "cancelled"
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 25, 26, 27]


def test_a_reminder_made_switched_off_has_no_doses_until_it_is_switched_on(session: Session) -> None:
    ada = make_world(session, is_active=False, now=EARLY)
    assert doses_of(session, ada.reminder_id) == []
    edit(session, ada, is_active=True, now=riga(8, 0, 1))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 25, 26, 27]
    assert len(bell(session, ada.who)) == 1


# --- deleting -------------------------------------------------------------------------------------------------------


def test_deleting_a_reminder_hides_it_and_keeps_outcomes_and_ledger(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(9))
    assert queries.listing(session, ada.who, page=1, per_page=20, now=riga(9)) == ([], 0)
    assert (standing(session, dose_id), on_hand(session, ada.medicine_id)) == ("taken", 5)
    assert [dose["id"] for dose in doses_of(session, ada.reminder_id)] == [dose_id]
    with pytest.raises(NotFound):
        regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(9))


def test_deleting_a_medicine_deletes_its_reminders_and_no_others(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    second = make_reminder(session, ada.who, ada.medicine_id, at="20:00", now=EARLY)
    other_medicine = make_medicine(session, ada.who, name="Ibuprofen", now=EARLY)
    kept = make_reminder(session, ada.who, other_medicine, now=EARLY)
    sweep(session, now=riga(8))
    regimen.remove_medicine(session, ada.who, ada.medicine_id, now=riga(9))
    listed, _ = queries.listing(session, ada.who, page=1, per_page=20, now=riga(9))
    assert [each["id"] for each in listed] == [kept]
    assert standing(session, dose_on(session, ada.reminder_id, TODAY)["id"]) == "cancelled"
    assert doses_of(session, second) == []
    assert sweep(session, now=riga(20)).missed == 1  # only the other medicine's
    with pytest.raises(NotFound):
        cabinet.get_medicine(session, ada.who, ada.medicine_id)
    with pytest.raises(NotFound):
        regimen.remove_medicine(session, ada.who, ada.medicine_id, now=riga(9))


def test_a_reminder_added_while_its_medicine_is_deleted_is_refused(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_world(session, now=EARLY)
    with committed() as deleting, committed() as adding:
        regimen.remove_medicine(deleting, ada.who, ada.medicine_id, now=riga(7, 30))
        added = in_background(lambda: make_reminder(adding, ada.who, ada.medicine_id, now=riga(7, 30)))
        until_it_waits_or_ends(committed, added)
        deleting.commit()
        with pytest.raises(NotFound):
            added.result(timeout=30)


def test_a_medicine_deleted_while_a_reminder_is_added_takes_the_reminder_with_it(
    committed: sessionmaker[Session],
) -> None:
    with committed.begin() as session:
        ada = make_world(session, now=EARLY)
    with committed() as adding, committed() as deleting:
        added = make_reminder(adding, ada.who, ada.medicine_id, now=riga(7, 30))
        deleted = in_background(lambda: regimen.remove_medicine(deleting, ada.who, ada.medicine_id, now=riga(7, 30)))
        until_it_waits_or_ends(committed, deleted)
        adding.commit()
        deleted.result(timeout=30)
        deleting.commit()
    with committed.begin() as session:
        assert doses_of(session, added) == []
        assert sweep(session, now=riga(8)).told == 0


# --- the first choice of a zone -------------------------------------------------------------------------------------


def test_the_first_choice_of_a_zone_moves_what_lies_ahead_and_leaves_what_is_due(session: Session) -> None:
    ada = make_world(session, time_zone="UTC", at="06:00", now=EARLY)
    evening = make_reminder(session, ada.who, ada.medicine_id, at="20:00", now=EARLY)
    sweep(session, now=riga(8))
    before = dose_on(session, evening, TODAY)["id"]
    assert regimen.move_to_zone(session, ada.who, "Europe/Riga", was_assumed=True, now=riga(9)) == 2
    assert dose_on(session, ada.reminder_id, TODAY)["due_at"] == riga(8)
    assert dose_on(session, ada.reminder_id, TOMORROW)["due_at"] == riga(6, day=25)
    tonight = dose_on(session, evening, TODAY)
    assert (tonight["id"], tonight["due_at"], tonight["time_zone"]) == (before, riga(20), "Europe/Riga")
    assert queries.one(session, ada.who, evening, now=riga(9))["time_zone"] == "Europe/Riga"


def test_a_later_change_of_zone_leaves_home_rules_where_they_are(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    before = doses_of(session, ada.reminder_id)
    assert regimen.move_to_zone(session, ada.who, "Asia/Tokyo", was_assumed=False, now=riga(7, 30)) == 0
    assert doses_of(session, ada.reminder_id) == before


def test_choosing_the_zone_that_was_assumed_changes_no_rule(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    assert regimen.move_to_zone(session, ada.who, "Europe/Riga", was_assumed=True, now=riga(7, 30)) == 0
    assert versions(session, ada.reminder_id) == 1


def test_a_first_choice_far_to_the_east_tells_nothing_twice(session: Session) -> None:
    wind_back(session, to=EARLY)
    ada = make_person(session, time_zone="UTC", now=EARLY)
    medicine_id = make_medicine(session, ada, now=EARLY)
    reminder_id = make_reminder(session, ada, medicine_id, at="08:00", now=EARLY)
    sweep(session, now=datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    chosen_at = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # 22:00 on the 24th in Apia
    regimen.move_to_zone(session, ada, "Pacific/Apia", was_assumed=True, now=chosen_at)
    assert [dose["due_at"] for dose in doses_of(session, reminder_id)][:2] == [
        datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
        datetime(2026, 11, 24, 19, 0, tzinfo=UTC),
    ]
    assert sweep(session, now=chosen_at).told == 0
