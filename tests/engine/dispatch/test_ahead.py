"""The horizon rolls: rules that are behind are planned further, a batch at a time, and never twice."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import ahead, answers, regimen
from engine.dispatch.ahead import Rolled
from engine.reminders.models import Reminder
from tests.support.reminders import bell, dose_on, doses_of, facts, make_reminder, make_world, on_hand, standing
from tests.support.sweeps import sweep, wind_back
from tests.support.together import all_at_once

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def through(session: Session, reminder_id: int) -> datetime | None:
    statement = select(Reminder.planned_through_at).where(Reminder.id == reminder_id)
    return session.execute(statement).scalar_one()


def days(session: Session, reminder_id: int) -> list[int]:
    return [dose["key_date"].day for dose in doses_of(session, reminder_id)]


def test_a_rule_is_planned_further_when_less_than_two_days_lie_ahead(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    assert ahead.roll(session, now=EARLY + timedelta(days=1)) == Rolled(0, 0)
    assert ahead.roll(session, now=EARLY + timedelta(days=1, seconds=1)) == Rolled(rules=1, doses=1)
    assert days(session, ada.reminder_id) == [24, 25, 26, 27]
    assert through(session, ada.reminder_id) == EARLY + timedelta(days=4, seconds=1)


def test_rolling_again_looks_at_nothing_and_makes_nothing(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    later = EARLY + timedelta(days=2)
    assert ahead.roll(session, now=later).rules == 1
    assert ahead.roll(session, now=later) == Rolled(0, 0)
    assert days(session, ada.reminder_id) == [24, 25, 26, 27, 28]


def test_a_batch_is_bounded_and_those_furthest_behind_come_first(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    second = make_reminder(session, ada.who, ada.medicine_id, now=EARLY + timedelta(minutes=1))
    third = make_reminder(session, ada.who, ada.medicine_id, now=EARLY + timedelta(minutes=2))
    later = EARLY + timedelta(days=2)
    assert ahead.roll(session, now=later, limit=2).rules == 2
    assert [through(session, each) == later + timedelta(days=3) for each in (ada.reminder_id, second, third)] == [
        True,
        True,
        False,
    ]
    assert [ahead.roll(session, now=later, limit=2).rules for _ in range(2)] == [1, 0]


def test_a_rule_that_has_ended_is_looked_at_no_more(session: Session) -> None:
    ada = make_world(session, end_date=date(2026, 11, 27), now=EARLY)
    assert ahead.roll(session, now=EARLY + timedelta(days=2)) == Rolled(rules=1, doses=1)
    assert days(session, ada.reminder_id) == [24, 25, 26, 27]
    assert through(session, ada.reminder_id) is None
    assert ahead.roll(session, now=EARLY + timedelta(days=9)) == Rolled(0, 0)


def test_a_rule_that_ends_within_the_horizon_is_never_looked_at(session: Session) -> None:
    ada = make_world(session, end_date=date(2026, 11, 25), now=EARLY)
    assert through(session, ada.reminder_id) is None


def test_a_rule_that_begins_later_is_planned_when_its_time_comes(session: Session) -> None:
    ada = make_world(session, start_date=date(2026, 12, 20), now=EARLY)
    made = [ahead.roll(session, now=EARLY + timedelta(days=day)).doses for day in range(1, 30)]
    found = doses_of(session, ada.reminder_id)
    assert (found[0]["key_date"], len(found)) == (date(2026, 12, 20), sum(made))


def test_switched_off_and_deleted_rules_are_not_planned(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    gone = make_reminder(session, ada.who, ada.medicine_id, now=EARLY)
    regimen.edit_reminder(session, ada.who, ada.reminder_id, given={"is_active": False}, is_put=False, now=EARLY)
    regimen.remove_reminder(session, ada.who, gone, now=EARLY)
    assert ahead.roll(session, now=EARLY + timedelta(days=9)) == Rolled(0, 0)


def test_after_a_long_outage_what_can_still_be_taken_is_told_and_what_is_past_is_not_planned(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    make_reminder(session, ada.who, ada.medicine_id, at="10:00", now=EARLY)
    back = riga(9, day=30)  # nothing ran for six days
    sweep(session, now=back)
    ahead.roll(session, now=back)
    assert days(session, ada.reminder_id) == [24, 25, 26, 30, 1, 2, 3]
    today = dose_on(session, ada.reminder_id, date(2026, 11, 30))
    assert [row["dose_id"] for row in bell(session, ada.who)] == [today["id"]]  # late, but told
    sweep(session, now=riga(12, day=30))
    assert standing(session, today["id"]) == "not_reminded"


def test_what_the_roll_finds_due_is_claimed_even_behind_the_cursor(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    back = riga(9, day=30)
    wind_back(session, to=back)  # another rule of the shard has taken the cursor past eight o'clock
    ahead.roll(session, now=back)
    assert [row["due_at"] for row in bell(session, ada.who)] == [riga(8, day=30)]
    assert sweep(session, now=back).told == 0


def test_doses_that_came_and_went_while_nothing_ran_are_known_not_to_have_been_told(session: Session) -> None:
    ada = make_world(session, at="08:00", stock=6, now=EARLY)
    back = riga(13, day=30)
    assert ahead.roll(session, now=back) == Rolled(rules=1, doses=3, slept_through=4)
    assert ahead.roll(session, now=back) == Rolled(0, 0, 0)
    assert len(facts(session, ada.who)) == 4
    assert bell(session, ada.who) == []
    found, _ = answers.doses(
        session, ada.who, start=date(2026, 11, 27), end=date(2026, 11, 30), status=None, page=1, per_page=9, now=back
    )
    assert [(dose["planned_on"].day, dose["status"]) for dose in found] == [
        (27, "not_reminded"),
        (28, "not_reminded"),
        (29, "not_reminded"),
        (30, "not_reminded"),
    ]
    late = answers.answer(session, ada.who, found[0]["id"], status="taken", taken_at=riga(8, day=27), now=back)
    assert (late["status"], on_hand(session, ada.medicine_id)) == ("taken", 5)


def test_what_was_slept_through_is_kept_for_a_month_back(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    back = riga(13, day=24) + timedelta(days=90)
    assert ahead.roll(session, now=back).slept_through == 31
    assert len(facts(session, ada.who)) == 31


def test_two_rolls_at_once_share_the_work(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_world(session, now=EARLY)
        for _ in range(5):
            make_reminder(session, ada.who, ada.medicine_id, now=EARLY)
    rolled = all_at_once(
        committed, lambda session: ahead.roll(session, now=EARLY + timedelta(days=2), limit=4), times=4
    )
    assert sum(each.doses for each in rolled if isinstance(each, Rolled)) == 12
    with committed() as session:
        assert ahead.roll(session, now=EARLY + timedelta(days=2)) == Rolled(0, 0)
