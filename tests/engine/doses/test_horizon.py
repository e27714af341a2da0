"""A saved rule becomes rows: made once, moved by identity, withdrawn; what is due keeps what it was."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from engine.dispatch import answers, regimen
from engine.doses import horizon
from engine.errors import NotFound
from engine.reminders import authoring
from engine.reminders.plans import Plan
from tests.support.reminders import World, dose_on, doses_of, make_reminder, make_world, standing
from tests.support.sweeps import sweep

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga
TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    """A winter instant of November by the clocks of Riga."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def edit(session: Session, world: World, *, now: datetime, **given: Any) -> None:
    regimen.edit_reminder(session, world.who, world.reminder_id, given=given, is_put=False, now=now)


def plan_of(session: Session, world: World) -> Plan:
    held, who = authoring.hold(session, world.who, world.reminder_id), world.who.person
    return Plan(held.id, who.id, who.shard, held.medicine_id, held.version, held.rule, None, None)


def without_planning(dose: RowMapping) -> dict[str, Any]:
    return {name: value for name, value in dose.items() if name != "planned_at"}


# --- making ---------------------------------------------------------------------------------------------------------


def test_three_days_of_doses_have_rows_with_their_window_and_the_plan_they_come_from(session: Session) -> None:
    ada = make_world(session, at="08:00", dosage_amount="1/2", now=EARLY)
    found = doses_of(session, ada.reminder_id)
    assert [dose["key_date"].day for dose in found] == [24, 25, 26]
    first = found[0]
    assert (first["due_at"], first["closes_at"]) == (riga(8), riga(12))
    assert (first["planned_local"], first["time_zone"]) == (datetime.fromisoformat("2026-11-24T08:00"), "Europe/Riga")
    assert (first["slot"], first["segment"], first["rule_version"], float(first["amount"])) == (1440, 0, 1, 0.5)
    assert (first["user_id"], first["medicine_id"], first["shard"]) == (
        ada.who.person.id,
        ada.medicine_id,
        ada.who.person.shard,
    )


def test_making_the_rows_again_makes_nothing(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    before = doses_of(session, ada.reminder_id)
    planned = horizon.ahead(plan_of(session, ada), since=EARLY, until=EARLY + horizon.HORIZON, now=EARLY)
    assert len(planned) == 3
    assert horizon.materialise(session, planned, now=riga(7, 30)) == 0
    assert horizon.materialise(session, [], now=EARLY) == 0
    assert doses_of(session, ada.reminder_id) == before


def test_saving_the_same_rule_again_leaves_every_dose_where_it_is(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    before = [without_planning(dose) for dose in doses_of(session, ada.reminder_id)]
    horizon.replan(session, plan_of(session, ada), now=EARLY + timedelta(minutes=1))
    assert [without_planning(dose) for dose in doses_of(session, ada.reminder_id)] == before


def test_a_slot_of_today_whose_window_is_open_is_due_now(session: Session) -> None:
    ada = make_world(session, at="08:00", now=riga(11, 59, 59))
    today = dose_on(session, ada.reminder_id, TODAY)
    assert today["due_at"] == riga(8)
    assert today["planned_at"] > today["due_at"]


def test_a_slot_of_today_whose_window_has_closed_is_not_planned(session: Session) -> None:
    ada = make_world(session, at="08:00", now=riga(12))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [25, 26, 27]


def test_no_past_day_of_a_back_dated_start_is_planned_even_if_its_window_is_open(session: Session) -> None:
    ada = make_world(session, at="23:30", start_date=date(2026, 11, 1), now=riga(0, 30))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 25, 26]


# --- moving ---------------------------------------------------------------------------------------------------------


def test_an_edit_from_eight_to_nine_moves_the_same_doses(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    before = doses_of(session, ada.reminder_id)
    edit(session, ada, reminder_time=time(9), now=riga(7, 30))
    after = doses_of(session, ada.reminder_id)
    assert [dose["id"] for dose in after] == [dose["id"] for dose in before]
    assert [dose["due_at"] for dose in after] == [riga(9), riga(9, day=25), riga(9, day=26)]
    assert [dose["closes_at"] for dose in after] == [riga(13), riga(13, day=25), riga(13, day=26)]
    assert {dose["rule_version"] for dose in after} == {2}


def test_a_dose_that_is_due_keeps_its_time_and_version_and_those_ahead_move(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    edit(session, ada, reminder_time=time(9), now=riga(8))
    today, tomorrow = dose_on(session, ada.reminder_id, TODAY), dose_on(session, ada.reminder_id, TOMORROW)
    assert (today["due_at"], today["rule_version"]) == (riga(8), 1)
    assert (tomorrow["due_at"], tomorrow["rule_version"]) == (riga(9, day=25), 2)


def test_a_dose_due_within_five_seconds_belongs_to_the_claim_and_one_later_to_the_edit(session: Session) -> None:
    near, far = make_world(session, now=EARLY), make_world(session, name="ben", now=EARLY)
    edit(session, near, reminder_time=time(9), now=riga(7, 59, 55))
    edit(session, far, reminder_time=time(9), now=riga(7, 59, 54))
    assert dose_on(session, near.reminder_id, TODAY)["due_at"] == riga(8)
    assert dose_on(session, far.reminder_id, TODAY)["due_at"] == riga(9)


def test_an_edit_to_an_earlier_hour_whose_window_is_open_makes_the_dose_due_now(session: Session) -> None:
    ada = make_world(session, at="20:00", now=EARLY)
    edit(session, ada, reminder_time=time(8), now=riga(9))
    today = dose_on(session, ada.reminder_id, TODAY)
    assert today["due_at"] == riga(8)
    assert today["planned_at"] == riga(9)  # born with its window open: never counted missed


def test_an_edit_to_an_hour_whose_window_has_closed_leaves_today_without_a_dose(session: Session) -> None:
    ada = make_world(session, at="20:00", now=EARLY)
    edit(session, ada, reminder_time=time(8), now=riga(12))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [25, 26, 27]


def test_a_change_of_grace_moves_the_end_of_windows_ahead_and_makes_no_version(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    edit(session, ada, grace_minutes=30, now=riga(8))
    today, tomorrow = dose_on(session, ada.reminder_id, TODAY), dose_on(session, ada.reminder_id, TOMORROW)
    assert (today["closes_at"], tomorrow["closes_at"]) == (riga(12), riga(8, 30, day=25))
    assert tomorrow["rule_version"] == 1


# --- answered and withdrawn -----------------------------------------------------------------------------------------


def test_a_dose_answered_ahead_survives_an_edit_and_a_withdrawal(session: Session) -> None:
    ada = make_world(session, at="20:00", now=EARLY)
    tonight = dose_on(session, ada.reminder_id, TODAY)
    answers.answer(session, ada.who, tonight["id"], status="taken", now=riga(7, 30))
    edit(session, ada, reminder_time=time(21), now=riga(9))
    assert dose_on(session, ada.reminder_id, TODAY) == tonight
    edit(session, ada, is_active=False, now=riga(10))
    assert doses_of(session, ada.reminder_id) == [tonight]
    assert standing(session, tonight["id"]) == "taken"


def test_days_the_edit_leaves_out_lose_their_doses(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)  # a Tuesday
    edit(session, ada, frequency="specific_days", specific_days=[4], now=riga(7, 30))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [26]


def test_withdrawing_takes_what_lies_ahead_and_leaves_what_is_due(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    horizon.withdraw(session, ada.reminder_id, now=riga(8))
    assert [dose["key_date"] for dose in doses_of(session, ada.reminder_id)] == [TODAY]


def test_a_dose_taken_and_undone_ahead_goes_with_its_rule_and_can_come_back(session: Session) -> None:
    ada = make_world(session, at="20:00", now=EARLY)
    tonight = dose_on(session, ada.reminder_id, TODAY)["id"]
    answers.answer(session, ada.who, tonight, status="taken", now=riga(7, 30))
    answers.undo(session, ada.who, tonight, now=riga(7, 31))
    edit(session, ada, is_active=False, now=riga(8))
    assert doses_of(session, ada.reminder_id) == []
    found, total = answers.doses(
        session, ada.who, start=TODAY, end=TODAY, status=None, page=1, per_page=20, now=riga(8)
    )
    assert (found, total) == ([], 0)
    with pytest.raises(NotFound):
        answers.answer(session, ada.who, tonight, status="taken", now=riga(8))
    edit(session, ada, is_active=True, now=riga(9))
    again = dose_on(session, ada.reminder_id, TODAY)["id"]
    assert answers.answer(session, ada.who, again, status="taken", now=riga(10))["status"] == "taken"


# --- the frequencies of the form ------------------------------------------------------------------------------------


def test_specific_days_count_from_sunday(session: Session) -> None:
    ada = make_world(session, frequency="specific_days", specific_days=[0, 3], now=EARLY)
    assert [dose["key_date"].strftime("%a %d") for dose in doses_of(session, ada.reminder_id)] == ["Wed 25"]
    friday = make_reminder(
        session, ada.who, ada.medicine_id, frequency="specific_days", specific_days=[0], now=riga(7, day=27)
    )
    assert [dose["key_date"].strftime("%a %d") for dose in doses_of(session, friday)] == ["Sun 29"]


def test_every_second_day_counts_from_the_start_and_keeps_its_phase_through_other_edits(session: Session) -> None:
    ada = make_world(session, frequency="interval", interval_days=2, start_date=date(2026, 11, 23), now=EARLY)
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [25]
    edit(session, ada, reminder_time=time(9), dosage_amount="2", now=riga(7, 30))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [25]
    edit(session, ada, start_date=date(2026, 11, 24), now=riga(7, 40))
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 26]


def test_doses_of_once_a_week_stay_open_for_a_day_and_of_every_day_for_four_hours(session: Session) -> None:
    ada = make_world(session, frequency="specific_days", specific_days=[2], now=EARLY)
    weekly = dose_on(session, ada.reminder_id, TODAY)
    assert weekly["closes_at"] - weekly["due_at"] == timedelta(hours=24)


def test_nothing_is_planned_past_the_last_day(session: Session) -> None:
    ada = make_world(session, end_date=date(2026, 11, 25), now=EARLY)
    assert [dose["key_date"].day for dose in doses_of(session, ada.reminder_id)] == [24, 25]


def test_a_dose_told_at_the_old_hour_is_not_told_again_at_the_new_one(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    assert sweep(session, now=riga(8)).told == 1
    edit(session, ada, reminder_time=time(9), now=riga(8, 10))
    assert sweep(session, now=riga(9)).told == 0
