"""A person's day as the old client shows it."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import answers, regimen
from engine.doses import horizon, queries
from engine.reminders import authoring
from engine.reminders.plans import Plan
from schedules import TimeOfDay
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.reminders import dose_on, make_reminder, make_world
from tests.support.sweeps import sweep, wind_back

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def today(session: Session, who: Who, now: datetime) -> dict[str, dict[str, Any]]:
    """By planned clock, such as "08:00"."""
    return {dose["time"][11:16]: dose for dose in queries.today(session, who, now=now)}


def states(session: Session, who: Who, now: datetime) -> list[tuple[str, str, bool]]:
    return [
        (dose["time"][8:16].replace("T", " "), dose["status"], dose["is_pending"])
        for dose in queries.today(session, who, now=now)
    ]


def test_a_day_shows_every_state(session: Session) -> None:
    ada = make_world(session, at="07:30", stock=9, now=EARLY)
    ids = {at: make_reminder(session, ada.who, ada.medicine_id, at=at, now=EARLY) for at in ("08:00", "14:00", "20:00")}
    missed = make_reminder(session, ada.who, ada.medicine_id, at="09:00", grace_minutes=5, now=EARLY)
    for instant in (riga(7, 30), riga(8), riga(9), riga(9, 5)):
        sweep(session, now=instant)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(9))
    answers.answer(session, ada.who, ids["08:00"], status="skipped", now=riga(9))
    sweep(session, now=riga(14))
    assert missed
    assert states(session, ada.who, riga(14)) == [
        ("24 07:30", "taken", False),
        ("24 08:00", "skipped", False),
        ("24 09:00", "missed", True),
        ("24 14:00", "due", True),
        ("24 20:00", "upcoming", False),
    ]


def test_a_dose_is_shown_with_its_wall_clock_without_zone_and_its_instant_beside_it(session: Session) -> None:
    ada = make_world(session, at="08:00", dosage_amount="1/2", now=EARLY)
    (dose,) = queries.today(session, ada.who, now=riga(8))
    assert dose["time"] == "2026-11-24T08:00:00"
    assert (dose["due_at"], dose["closes_at"], dose["taken_at"]) == (riga(8), riga(12), None)
    assert (dose["medicineName"], dose["dosage"]) == ("Metformin", "1/2 tablet")


def test_a_dose_without_an_amount_shows_none(session: Session) -> None:
    ada = make_world(session, dosage_amount=None, now=EARLY)
    (dose,) = queries.today(session, ada.who, now=riga(8))
    assert dose["dosage"] == ""


def test_the_id_is_the_reminders_while_it_occurs_once(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    (dose,) = queries.today(session, ada.who, now=riga(8))
    assert (dose["id"], dose["reminder_id"]) == (ada.reminder_id, ada.reminder_id)
    assert dose["dose_id"] == dose_on(session, ada.reminder_id, TODAY)["id"]


def test_yesterdays_open_window_is_shown_until_it_closes_and_its_ids_are_then_the_doses(session: Session) -> None:
    ada = make_world(session, at="22:00", now=EARLY)
    during, after = riga(1, 59, 59, day=25), riga(2, day=25)
    assert states(session, ada.who, during) == [("24 22:00", "due", True), ("25 22:00", "upcoming", False)]
    assert [dose["id"] for dose in queries.today(session, ada.who, now=during)] == [
        dose_on(session, ada.reminder_id, TODAY)["id"],
        dose_on(session, ada.reminder_id, date(2026, 11, 25))["id"],
    ]
    sweep(session, now=after)
    assert states(session, ada.who, after) == [("25 22:00", "upcoming", False)]
    assert [dose["id"] for dose in queries.today(session, ada.who, now=after)] == [ada.reminder_id]


def test_yesterdays_window_is_gone_once_answered(session: Session) -> None:
    ada = make_world(session, at="22:00", now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(1, day=25))
    assert states(session, ada.who, riga(1, day=25)) == [("25 22:00", "upcoming", False)]


# --- after a miss ---------------------------------------------------------------------------------------------------


def test_a_dose_missed_this_morning_stays_pending_until_the_local_day_ends(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    sweep(session, now=riga(8))
    sweep(session, now=riga(12))
    assert states(session, ada.who, riga(23, 59, 59)) == [("24 08:00", "missed", True)]
    assert states(session, ada.who, riga(0, day=25)) == [("25 08:00", "upcoming", False)]


def test_a_dose_of_which_nobody_was_reminded_stays_pending_too(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    sweep(session, now=riga(13))
    assert states(session, ada.who, riga(13)) == [("24 08:00", "not_reminded", True)]


def test_a_missed_dose_stops_pending_when_the_next_window_opens_even_if_that_is_tomorrows(session: Session) -> None:
    ada = make_world(session, at="00:30", grace_minutes=10, now=riga(23, day=23))
    sweep(session, now=riga(0, 30))
    sweep(session, now=riga(0, 40))
    assert states(session, ada.who, riga(23, 29, 59)) == [("24 00:30", "missed", True)]
    assert states(session, ada.who, riga(23, 30)) == [("24 00:30", "missed", False)]


def test_of_a_rule_with_doses_an_hour_apart_the_next_window_opens_half_way(session: Session) -> None:
    ada = make_world(session, at="08:00", grace_minutes=10, now=EARLY)
    rule = authoring.hold(session, ada.who, ada.reminder_id).rule
    twice = replace(rule, times=(*rule.times, TimeOfDay(at=time(9), slot=1441, amount=Decimal(1))))
    who = ada.who.person
    plan = Plan(ada.reminder_id, who.id, who.shard, ada.medicine_id, 1, twice, 10, None)
    horizon.replan(session, plan, now=EARLY)
    sweep(session, now=riga(8))
    sweep(session, now=riga(8, 10))
    assert states(session, ada.who, riga(8, 29, 59))[0] == ("24 08:00", "missed", True)
    assert states(session, ada.who, riga(8, 30))[0] == ("24 08:00", "missed", False)


# --- whose day ------------------------------------------------------------------------------------------------------


def test_today_is_the_persons_local_date(session: Session) -> None:
    now = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)  # 23:30 on the 24th in Apia, 00:30 on the 24th in Adak
    east = make_world(session, time_zone="Pacific/Apia", at="23:45", now=now)
    west = make_world(session, name="ben", time_zone="America/Adak", at="00:45", now=now)
    assert states(session, east.who, now) == [("24 23:45", "upcoming", False)]
    assert states(session, west.who, now) == [("24 00:45", "upcoming", False)]
    assert states(session, east.who, now + timedelta(minutes=30)) == [
        ("24 23:45", "due", True),
        ("25 23:45", "upcoming", False),
    ]


def test_the_days_of_others_are_not_shown(session: Session) -> None:
    make_world(session, now=EARLY)
    assert queries.today(session, make_person(session, name="cy", now=EARLY), now=riga(8)) == []


def test_deleted_and_switched_off_reminders_leave_the_day(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    other = make_reminder(session, ada.who, ada.medicine_id, at="08:30", now=EARLY)
    sweep(session, now=riga(8, 30))
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(9))
    regimen.edit_reminder(session, ada.who, other, given={"is_active": False}, is_put=False, now=riga(9))
    assert queries.today(session, ada.who, now=riga(9)) == []


def test_a_traveller_sees_what_is_due_now_whatever_day_it_was_planned_for(session: Session) -> None:
    wind_back(session, to=EARLY)
    ada = make_person(session, time_zone="Asia/Tokyo", now=EARLY)
    reminder_id = make_reminder(session, ada, make_medicine(session, ada, now=EARLY), at="08:00", now=EARLY)
    assert reminder_id
    in_honolulu = Who(type(ada.person)(ada.person.id, ada.person.shard, "Pacific/Honolulu"), ada.actor_id, 0)
    at_breakfast = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)  # 08:30 on the 25th in Tokyo, 13:30 on the 24th there
    assert states(session, in_honolulu, at_breakfast) == [("25 08:00", "due", True)]
