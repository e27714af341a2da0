"""Which dose somebody means."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch import answers, regimen
from engine.doses import lookup
from engine.doses.lookup import DoseRef, meant
from engine.doses.states import Status
from engine.errors import Conflict, NotFound
from tests.support.people import make_person
from tests.support.reminders import dose_on, make_world
from tests.support.sweeps import sweep

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def a_dose(
    due: datetime, *, closes: datetime | None = None, status: Status | None = None, recorded: datetime | None = None
) -> DoseRef:
    return DoseRef(
        id=int(due.timestamp()),
        reminder_id=1,
        key_date=(due + timedelta(hours=2)).date(),
        slot=1440,
        segment=0,
        user_id=1,
        medicine_id=1,
        rule_version=1,
        due_at=due,
        closes_at=closes or due + timedelta(hours=4),
        planned_local=(due + timedelta(hours=2)).replace(tzinfo=None),
        time_zone="Europe/Riga",
        amount=Decimal(1),
        status=status,
        log_id=7 if status else None,
        revision=1 if status else 0,
        recorded_at=recorded,
        taken_at=recorded if status is Status.TAKEN else None,
        source="app" if status else None,
        is_excused=False,
    )


# --- the rule, pure -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "hour"),
    [
        (riga(7), 8),  # an hour before its instant a dose is on time
        (riga(11, 59, 59), 8),
        (riga(12), 8),  # none holds: the nearest of today
        (riga(13, 59), 8),
        (riga(14, 1), 20),
        (riga(19), 20),
        (riga(23, 59), 20),
        (riga(3), 8),
    ],
)
def test_the_dose_whose_window_holds_is_meant_else_the_nearest_of_today(now: datetime, hour: int) -> None:
    assert meant([a_dose(riga(8)), a_dose(riga(20))], TODAY, now).due_at == riga(hour)


def test_of_two_open_windows_the_earlier_is_meant_and_once_answered_the_other() -> None:
    eight, nine = a_dose(riga(8)), a_dose(riga(9))
    assert meant([eight, nine], TODAY, riga(9, 30)) == eight
    taken = a_dose(riga(8), status=Status.TAKEN, recorded=riga(9, 30))
    assert meant([taken, nine], TODAY, riga(9, 31)) == nine


def test_yesterdays_window_that_still_holds_comes_before_todays_dose() -> None:
    late, today = a_dose(riga(22, day=23), closes=riga(9)), a_dose(riga(8))
    assert meant([late, today], TODAY, riga(8, 30)) == late


def test_a_second_tap_repeats_the_answer_of_a_moment_ago_and_never_reaches_the_next_dose() -> None:
    taken, nine = a_dose(riga(8), status=Status.TAKEN, recorded=riga(9, 30)), a_dose(riga(9))
    assert meant([taken, nine], TODAY, riga(9, 30, 59)) == taken
    assert meant([taken, nine], TODAY, riga(9, 31)) == nine


def test_an_answered_dose_whose_window_holds_is_meant_rather_than_one_that_has_not_opened() -> None:
    taken, evening = a_dose(riga(8), status=Status.TAKEN, recorded=riga(8)), a_dose(riga(20))
    assert meant([taken, evening], TODAY, riga(11)) == taken


@pytest.mark.parametrize("status", [Status.MISSED, Status.NOT_REMINDED])
def test_a_dose_missed_this_morning_can_still_be_meant(status: Status) -> None:
    missed = a_dose(riga(8), status=status, recorded=riga(12))
    assert meant([missed, a_dose(riga(8, day=25))], TODAY, riga(15)) == missed


def test_when_all_of_today_is_answered_the_last_is_meant_and_repeating_it_changes_nothing() -> None:
    taken = a_dose(riga(8), status=Status.TAKEN, recorded=riga(8))
    assert meant([taken, a_dose(riga(8, day=25))], TODAY, riga(15)) == taken


@pytest.mark.parametrize("doses", [[], [a_dose(riga(8, day=25))], [a_dose(riga(8, day=22))]])
def test_a_reminder_without_a_dose_today_says_so(doses: list[DoseRef]) -> None:
    with pytest.raises(Conflict, match="no dose to answer today"):
        meant(doses, TODAY, riga(12))


# --- by handle ------------------------------------------------------------------------------------------------------


def test_a_handle_is_a_doses_id_or_its_reminders(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    assert lookup.by_handle(session, ada.who, dose_id, now=riga(8)).id == dose_id
    assert lookup.by_handle(session, ada.who, ada.reminder_id, now=riga(8)).id == dose_id


def test_a_strangers_handles_do_not_exist(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    for handle in (ada.reminder_id, dose_on(session, ada.reminder_id, TODAY)["id"], 4711, 2**52):
        with pytest.raises(NotFound):
            lookup.by_handle(session, cy, handle, now=riga(8))


def test_a_deleted_reminder_means_no_dose(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(8, 30))
    with pytest.raises(NotFound):
        lookup.by_handle(session, ada.who, ada.reminder_id, now=riga(9))


def test_a_reminder_that_has_no_dose_today_is_refused_in_words(session: Session) -> None:
    ada = make_world(session, start_date=date(2026, 11, 26), now=EARLY)
    with pytest.raises(Conflict, match="no dose to answer today"):
        answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))


def test_the_dose_of_now_is_found_where_the_local_date_is_not_utcs(session: Session) -> None:
    apia = make_world(session, time_zone="Pacific/Apia", at="08:00", now=datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
    adak = make_world(
        session, name="ben", time_zone="America/Adak", at="16:00", now=datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
    )
    morning = datetime(2026, 11, 23, 19, 30, tzinfo=UTC)  # 08:30 on the 24th
    afternoon = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)  # 16:30 on the 24th
    assert lookup.by_handle(session, apia.who, apia.reminder_id, now=morning).key_date == TODAY
    assert lookup.by_handle(session, adak.who, adak.reminder_id, now=afternoon).key_date == TODAY


def test_an_outcome_outlives_the_row_of_its_dose(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    answers.answer(session, ada.who, dose_id, status="skipped", now=riga(8))
    session.execute(text("DELETE FROM doses WHERE id = :id"), {"id": dose_id})  # as the drop of its partition does
    found = lookup.by_handle(session, ada.who, dose_id, now=riga(9, day=27))
    assert (found.id, found.status, found.revision) == (dose_id, Status.SKIPPED, 1)
    corrected = answers.answer(session, ada.who, dose_id, status="taken", now=riga(9, day=27))
    assert (corrected["status"], corrected["revision"]) == ("taken", 2)
