"""Taken, skipped, undone: the outcome, the stock, the bell and the facts, together and once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import answers, regimen
from engine.errors import Conflict, Invalid, NotFound
from engine.events.facts import StockLow
from engine.events.log import take_untold
from engine.notifications import planning
from tests.support.people import make_person
from tests.support.reminders import bell, dose_on, entries, facts, make_world, on_hand, revisions, standing
from tests.support.sweeps import sweep

TODAY, TOMORROW = date(2026, 11, 24), date(2026, 11, 25)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def changes(session: Session, medicine_id: int) -> list[tuple[str, Decimal]]:
    """What the ledger says after the initial stock."""
    return [(entry["change_type"], entry["change_amount"]) for entry in entries(session, medicine_id)[1:]]


# --- taking ---------------------------------------------------------------------------------------------------------


def test_taking_a_dose_keeps_the_outcome_and_takes_one_tablet_of_six(session: Session) -> None:
    ada = make_world(session, stock=6, now=EARLY)
    dose = dose_on(session, ada.reminder_id, TODAY)
    sweep(session, now=riga(8))
    answered = answers.answer(
        session, ada.who, ada.reminder_id, status="taken", taken_at=riga(8, 1), notes="with milk", now=riga(8, 5)
    )
    assert (answered["id"], answered["status"], answered["notes"]) == (dose["id"], "taken", "with milk")
    assert (answered["taken_at"], answered["recorded_at"]) == (riga(8, 1), riga(8, 5))
    assert (answered["recorded_by"], answered["source"]) == (ada.who.actor_id, "app")
    assert answered["reminded_at"] == riga(8)
    assert on_hand(session, ada.medicine_id) == 5
    entry = entries(session, ada.medicine_id)[-1]
    assert (entry["dose_id"], entry["change_amount"], entry["occurred_at"]) == (dose["id"], -1, riga(8, 1))
    assert entry["log_id"] == revisions(session, dose["id"])[0]["id"]


def test_an_outcome_keeps_when_where_and_how_much_was_planned(session: Session) -> None:
    ada = make_world(session, dosage_amount="0,5", now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    (kept,) = revisions(session, dose_on(session, ada.reminder_id, TODAY)["id"])
    assert (kept["planned_local"], kept["time_zone"]) == (datetime.fromisoformat("2026-11-24T08:00"), "Europe/Riga")
    assert (kept["due_at"], kept["closes_at"], kept["amount"]) == (riga(8), riga(12), Decimal("0.5"))
    assert (kept["rule_version"], kept["revision"], kept["key_date"]) == (1, 1, TODAY)


def test_the_same_answer_again_changes_nothing_and_answers_the_same(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    first = answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    again = answers.answer(session, ada.who, ada.reminder_id, status="taken", notes="again", now=riga(9))
    assert again == first
    assert on_hand(session, ada.medicine_id) == 5
    assert len(facts(session, ada.who)) == 1


def test_crossing_the_alert_level_is_one_fact(session: Session) -> None:
    ada = make_world(session, stock=6, now=EARLY)
    for _ in range(2):
        answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    (low,) = [fact for fact in take_untold(session) if isinstance(fact, StockLow)]
    assert low.on_hand == 5


def test_skipping_leaves_the_stock_and_keeps_the_reason(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answered = answers.answer(session, ada.who, ada.reminder_id, status="skipped", reason="nausea", now=riga(8))
    assert (answered["status"], answered["reason"], answered["taken_at"]) == ("skipped", "nausea", None)
    assert changes(session, ada.medicine_id) == []


def test_somebody_who_looks_after_a_person_is_recorded_as_such(session: Session) -> None:
    ada, ben = make_world(session, now=EARLY), make_person(session, name="ben", now=EARLY)
    carer = Who(ada.who.person, actor_id=ben.person.id, session_id=ben.session_id)
    answered = answers.answer(session, carer, ada.reminder_id, status="taken", now=riga(8))
    assert (answered["recorded_by"], answered["source"]) == (ben.person.id, "carer")
    assert entries(session, ada.medicine_id)[-1]["recorded_by"] == ben.person.id


def test_a_stranger_can_neither_answer_undo_nor_put_off(session: Session) -> None:
    ada, cy = make_world(session, now=EARLY), make_person(session, name="cy", now=EARLY)
    for handle in (ada.reminder_id, dose_on(session, ada.reminder_id, TODAY)["id"]):
        with pytest.raises(NotFound):
            answers.answer(session, cy, handle, status="taken", now=riga(8))
        with pytest.raises(NotFound):
            answers.undo(session, cy, handle, now=riga(8))
        with pytest.raises(NotFound):
            answers.snooze(session, cy, handle, now=riga(8))
    assert on_hand(session, ada.medicine_id) == 6


# --- when it was taken ----------------------------------------------------------------------------------------------


def test_taken_in_the_future_is_refused_but_a_fast_clock_is_forgiven(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    with pytest.raises(Invalid, match="in the future"):
        answers.answer(session, ada.who, ada.reminder_id, status="taken", taken_at=riga(8, 1, 1), now=riga(8))
    assert revisions(session, dose_on(session, ada.reminder_id, TODAY)["id"]) == []
    answers.answer(session, ada.who, ada.reminder_id, status="taken", taken_at=riga(8, 1), now=riga(8))


def test_taken_years_ago_is_refused(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    with pytest.raises(Invalid, match="too far"):
        answers.answer(
            session, ada.who, ada.reminder_id, status="taken", taken_at=riga(8) - timedelta(days=367), now=riga(8)
        )


# --- stock ----------------------------------------------------------------------------------------------------------


def test_a_dose_taken_from_an_empty_box_is_recorded_with_its_shortfall(session: Session) -> None:
    ada = make_world(session, stock=0, now=EARLY)
    answered = answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    assert answered["status"] == "taken"
    (entry,) = entries(session, ada.medicine_id)
    assert (entry["change_amount"], entry["new_stock"], entry["shortfall"]) == (0, 0, 1)


@pytest.mark.parametrize(
    ("stock_unit", "dose_unit", "amount", "taken"),
    [
        ("tablets", "tablet", "2", "2"),
        ("tablets", "mg", "250", "0.5"),  # against the strength on the box, 500 mg
        ("tablets", "ml", "5", None),
        ("capsules", "tablet", "1", None),
    ],
)
def test_a_dose_counts_in_the_units_of_the_stock_or_leaves_it_and_says_so(
    session: Session, stock_unit: str, dose_unit: str, amount: str, taken: str | None
) -> None:
    ada = make_world(session, stock=6, unit=stock_unit, dosage_amount=amount, dosage_unit=dose_unit, now=EARLY)
    answered = answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    assert answered["status"] == "taken"
    assert on_hand(session, ada.medicine_id) == 6 - Decimal(taken or 0)
    assert facts(session, ada.who)[-1]["is_uncounted"] is (taken is None)


def test_a_dose_counts_in_the_words_of_its_own_version_of_the_rule(session: Session) -> None:
    ada = make_world(session, stock=6, now=EARLY)
    sweep(session, now=riga(8))
    given = {"dosage_amount": "250", "dosage_unit": "mg"}
    regimen.edit_reminder(session, ada.who, ada.reminder_id, given=given, is_put=False, now=riga(8, 10))
    answers.answer(session, ada.who, dose_on(session, ada.reminder_id, TODAY)["id"], status="taken", now=riga(9))
    assert on_hand(session, ada.medicine_id) == 5
    answers.answer(session, ada.who, dose_on(session, ada.reminder_id, TOMORROW)["id"], status="taken", now=riga(9))
    assert on_hand(session, ada.medicine_id) == Decimal("4.5")


# --- corrections ----------------------------------------------------------------------------------------------------


def test_a_skipped_dose_can_be_corrected_to_taken(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="skipped", now=riga(8))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8, 0, 30))
    kept = revisions(session, dose_on(session, ada.reminder_id, TODAY)["id"])
    assert [(each["revision"], each["status"], each["superseded_at"]) for each in kept] == [
        (1, "skipped", riga(8, 0, 30)),
        (2, "taken", None),
    ]
    assert changes(session, ada.medicine_id) == [("consumed", -1)]


def test_a_taken_dose_is_not_skipped_without_being_undone_first(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    with pytest.raises(Conflict, match="Undo that first"):
        answers.answer(session, ada.who, ada.reminder_id, status="skipped", now=riga(9))
    answers.undo(session, ada.who, ada.reminder_id, now=riga(9))
    answers.answer(session, ada.who, ada.reminder_id, status="skipped", now=riga(9))
    assert standing(session, dose_on(session, ada.reminder_id, TODAY)["id"]) == "skipped"


def test_a_missed_dose_is_taken_late_through_its_reminder(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    sweep(session, now=riga(12))
    answered = answers.answer(session, ada.who, ada.reminder_id, status="taken", taken_at=riga(11), now=riga(15))
    assert (answered["status"], answered["revision"], answered["taken_at"]) == ("taken", 2, riga(11))
    assert on_hand(session, ada.medicine_id) == 5


# --- undoing --------------------------------------------------------------------------------------------------------


def test_undoing_within_the_window_opens_the_dose_and_reverses_the_exact_entry(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    undone = answers.undo(session, ada.who, ada.reminder_id, now=riga(11, 59, 59))
    assert (undone["status"], undone["revision"], undone["taken_at"]) == ("due", 2, None)
    assert changes(session, ada.medicine_id) == [("consumed", -1), ("adjusted", 1)]
    taken, reversal = entries(session, ada.medicine_id)[1:]
    assert reversal["reverses_id"] == taken["id"]
    answers.answer(session, ada.who, undone["id"], status="taken", now=riga(11, 59, 59))
    assert on_hand(session, ada.medicine_id) == 5


def test_undoing_after_the_window_leaves_the_dose_missed_without_a_second_notice(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    undone = answers.undo(session, ada.who, ada.reminder_id, now=riga(12))
    assert undone["status"] == "missed"
    sweep(session, now=riga(12, 1))
    assert [row["kind"] for row in bell(session, ada.who)] == ["due"]
    assert on_hand(session, ada.medicine_id) == 6


@pytest.mark.parametrize("at", [riga(9), riga(13)])
def test_undoing_twice_is_undoing_once(session: Session, at: datetime) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    first = answers.undo(session, ada.who, dose_id, now=at)
    assert answers.undo(session, ada.who, dose_id, now=at + timedelta(minutes=1)) == first
    assert on_hand(session, ada.medicine_id) == 6


def test_undoing_a_shortfall_gives_back_only_what_was_taken(session: Session) -> None:
    ada = make_world(session, stock=1, dosage_amount="3", now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    answers.undo(session, ada.who, ada.reminder_id, now=riga(8, 1))
    assert on_hand(session, ada.medicine_id) == 1


def test_a_dose_found_not_reminded_is_not_missed_when_a_late_answer_is_undone(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(13))  # our clock stood still until then
    dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
    assert standing(session, dose_id) == "not_reminded"
    answers.answer(session, ada.who, dose_id, status="taken", now=riga(14))
    assert answers.undo(session, ada.who, dose_id, now=riga(15))["status"] == "not_reminded"


def test_a_dose_born_with_its_window_open_is_not_missed_when_its_answer_is_undone(session: Session) -> None:
    ada = make_world(session, at="08:00", now=riga(9))
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(9, 5))
    assert answers.undo(session, ada.who, ada.reminder_id, now=riga(12))["status"] == "not_reminded"


@pytest.mark.parametrize("closed", [False, True])
def test_without_an_answer_there_is_nothing_to_undo(session: Session, closed: bool) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    if closed:
        sweep(session, now=riga(12))
    with pytest.raises(Conflict, match="no answer to undo"):
        answers.undo(session, ada.who, dose_on(session, ada.reminder_id, TODAY)["id"], now=riga(12))


# --- early ----------------------------------------------------------------------------------------------------------


def test_an_early_answer_silences_the_dose(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(7, 30))
    assert sweep(session, now=riga(8)).told == 0
    assert sweep(session, now=riga(12)).missed == 0
    assert bell(session, ada.who) == []


def test_an_early_answer_undone_before_the_dose_is_due_lets_it_be_told_in_time(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(7, 30))
    assert answers.undo(session, ada.who, ada.reminder_id, now=riga(7, 40))["status"] == "scheduled"
    assert sweep(session, now=riga(8)).told == 1


def test_an_early_answer_undone_after_the_dose_was_due_tells_it_at_once(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(7, 30))
    sweep(session, now=riga(8))
    answers.undo(session, ada.who, ada.reminder_id, now=riga(9))
    assert [(row["kind"], row["created_at"]) for row in bell(session, ada.who)] == [("due", riga(9))]


def test_tomorrows_dose_can_be_answered_by_its_own_id(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    tomorrow = dose_on(session, ada.reminder_id, TOMORROW)["id"]
    assert answers.answer(session, ada.who, tomorrow, status="taken", now=riga(8))["status"] == "taken"
    assert standing(session, dose_on(session, ada.reminder_id, TODAY)["id"]) is None


# --- the bell and the stream ----------------------------------------------------------------------------------------


def test_an_answer_marks_the_bell_read_with_what_was_said_and_undoing_takes_that_back(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    answers.answer(session, ada.who, ada.reminder_id, status="skipped", now=riga(8, 1))
    (row,) = bell(session, ada.who)
    assert (row["read_at"], row["action_taken"]) == (riga(8, 1), "skipped")
    answers.undo(session, ada.who, ada.reminder_id, now=riga(8, 2))
    assert bell(session, ada.who)[0]["action_taken"] is None


def test_the_bell_answers_the_dose_it_tells_of(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    answered = answers.by_notification(
        session, ada.who, bell(session, ada.who)[0]["id"], status="taken", now=riga(8, 1)
    )
    assert (answered["action_taken"], answered["is_read"]) == ("taken", True)
    assert on_hand(session, ada.medicine_id) == 5


def test_a_missed_notice_takes_its_dose_late(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    sweep(session, now=riga(12))
    notice = bell(session, ada.who)[-1]
    assert notice["kind"] == "missed"
    answered = answers.by_notification(session, ada.who, notice["id"], status="taken", now=riga(13))
    assert answered["type"] == "reminder"  # so that the old client offers Taken and Skipped on it
    assert standing(session, notice["dose_id"]) == "taken"


def test_a_notification_about_something_else_answers_no_dose(session: Session) -> None:
    ada = make_world(session, stock=6, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(8))
    planning.tell(session, now=riga(8))
    (low,) = bell(session, ada.who)
    assert low["kind"] == "low_stock"
    with pytest.raises(Invalid, match="not about a dose"):
        answers.by_notification(session, ada.who, low["id"], status="taken", now=riga(8))


def test_every_change_is_a_fact(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", taken_at=riga(8), now=riga(8, 1))
    answers.undo(session, ada.who, ada.reminder_id, now=riga(8, 2))
    answers.answer(session, ada.who, ada.reminder_id, status="skipped", now=riga(8, 3))
    told = facts(session, ada.who)
    assert [(fact["status"], fact["revision"]) for fact in told] == [("taken", 1), ("open", 2), ("skipped", 3)]
    assert told[0]["taken_at"] == riga(8).isoformat()
    assert {fact["dose_id"] for fact in told} == {dose_on(session, ada.reminder_id, TODAY)["id"]}
