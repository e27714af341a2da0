"""Reminders and their versions as rows."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import regimen
from engine.reminders import authoring, plans
from engine.reminders.models import Reminder, ReminderVersion
from schedules import decode
from tests.support.people import make_person
from tests.support.reminders import make_reminder, make_world

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga
LATER = EARLY + timedelta(minutes=1)


def kept(session: Session, reminder_id: int) -> list[RowMapping]:
    statement = select(ReminderVersion.__table__).where(ReminderVersion.reminder_id == reminder_id)
    return list(session.execute(statement.order_by(ReminderVersion.version)).mappings())


def test_every_version_stays_with_the_words_its_person_typed(session: Session) -> None:
    ada = make_world(session, dosage_amount="1/2", now=EARLY)
    given: dict[str, Any] = {"dosage_amount": "½", "reminder_time": time(9)}
    regimen.edit_reminder(session, ada.who, ada.reminder_id, given=given, is_put=False, now=LATER)
    first, second = kept(session, ada.reminder_id)
    assert [(each["version"], each["dosage_amount"], each["recorded_at"]) for each in (first, second)] == [
        (1, "1/2", EARLY),
        (2, "½", LATER),
    ]
    assert (decode(first["rule"]).times[0].at, decode(second["rule"]).times[0].at) == (time(8), time(9))
    assert decode(first["rule"]).times[0].slot == decode(second["rule"]).times[0].slot  # the same dose, moved
    assert second["recorded_by"] == ada.who.actor_id


def test_an_edit_reads_the_reminder_as_it_was_served(session: Session) -> None:
    ada = make_world(session, frequency="interval", interval_days=3, notes="with milk", grace_minutes=30, now=EARLY)
    held = authoring.hold(session, ada.who, ada.reminder_id)
    assert (held.version, held.medicine_id, held.rule.tzid) == (1, ada.medicine_id, "Europe/Riga")
    assert (held.form.interval_days, held.form.notes, held.form.grace_minutes) == (3, "with milk", 30)


def test_reminders_are_locked_in_one_order_and_only_those_that_are_there(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    ids = [ada.reminder_id, *(make_reminder(session, ada.who, ada.medicine_id, now=EARLY) for _ in range(3))]
    regimen.remove_reminder(session, ada.who, ids[1], now=LATER)
    left = [ids[0], *ids[2:]]
    assert authoring.of_medicine(session, ada.who, ada.medicine_id) == left
    assert authoring.all_of(session, ada.who) == left
    assert authoring.all_of(session, cy) == []


def test_what_is_behind_comes_with_the_rule_in_force_and_is_ones_own_until_the_end(
    committed: sessionmaker[Session],
) -> None:
    with committed.begin() as session:
        ada = make_world(session, grace_minutes=30, now=EARLY)
        given = {"reminder_time": time(9)}
        regimen.edit_reminder(session, ada.who, ada.reminder_id, given=given, is_put=False, now=LATER)
    soon = LATER + timedelta(days=3, seconds=1)
    with committed() as one, committed() as other:
        (plan,) = plans.behind(one, before=soon, limit=10)
        assert (plan.reminder_id, plan.version, plan.grace_minutes) == (ada.reminder_id, 2, 30)
        assert (plan.rule.times[0].at, plan.through_at) == (time(9), LATER + timedelta(days=3))
        assert plans.behind(other, before=soon, limit=10) == []  # somebody else is at it
        plans.mark_planned(one, [plan.reminder_id], soon)
        one.commit()
        assert plans.behind(other, before=soon, limit=10) == []


def test_a_hidden_reminder_keeps_its_row_and_its_versions(session: Session) -> None:
    ada = make_world(session, start_date=date(2026, 11, 20), now=EARLY)
    authoring.hide(session, ada.who, [ada.reminder_id], now=LATER)
    row = session.execute(select(Reminder).where(Reminder.id == ada.reminder_id)).scalar_one()
    assert (row.deleted_at, row.planned_through_at) == (LATER, None)
    assert len(kept(session, ada.reminder_id)) == 1
