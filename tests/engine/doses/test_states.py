"""The whole table of moves: what each answer does to each state, and what undoing it leaves behind."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.doses.states import Move, Status, answer, shown, undone
from engine.errors import Conflict

DUE = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
CLOSES = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("current", "said", "move"),
    [
        (None, Status.TAKEN, Move.RECORD),
        (None, Status.SKIPPED, Move.RECORD),
        (Status.OPEN, Status.TAKEN, Move.CORRECT),
        (Status.OPEN, Status.SKIPPED, Move.CORRECT),
        (Status.TAKEN, Status.TAKEN, Move.NOTHING),
        (Status.SKIPPED, Status.SKIPPED, Move.NOTHING),
        (Status.SKIPPED, Status.TAKEN, Move.CORRECT),
        (Status.MISSED, Status.TAKEN, Move.CORRECT),
        (Status.MISSED, Status.SKIPPED, Move.CORRECT),
        (Status.NOT_REMINDED, Status.TAKEN, Move.CORRECT),
        (Status.NOT_REMINDED, Status.SKIPPED, Move.CORRECT),
    ],
)
def test_an_answer_records_corrects_or_repeats(current: Status | None, said: Status, move: Move) -> None:
    assert answer(current, said) is move


@pytest.mark.parametrize(
    ("current", "said", "code"),
    [
        (Status.TAKEN, Status.SKIPPED, "dose_taken"),
        (Status.CANCELLED, Status.TAKEN, "dose_cancelled"),
        (Status.CANCELLED, Status.SKIPPED, "dose_cancelled"),
    ],
)
def test_an_answer_that_contradicts_is_refused_in_words(current: Status, said: Status, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        answer(current, said)
    assert refused.value.code == code
    assert refused.value.detail.endswith(".")


@pytest.mark.parametrize("said", [each for each in Status if each not in (Status.TAKEN, Status.SKIPPED)])
def test_only_taken_and_skipped_are_answers(said: Status) -> None:
    with pytest.raises(ValueError, match=said):
        answer(None, said)


@pytest.mark.parametrize("current", [Status.TAKEN, Status.SKIPPED])
def test_undoing_opens_the_dose_while_its_window_holds_and_closes_it_after(current: Status) -> None:
    assert undone(current, CLOSES, CLOSES - TICK) is Status.OPEN
    assert undone(current, CLOSES, CLOSES) is Status.MISSED


def test_undoing_never_counts_a_dose_missed_whose_person_was_not_reminded() -> None:
    assert undone(Status.TAKEN, CLOSES, CLOSES - TICK, is_excused=True) is Status.OPEN
    assert undone(Status.TAKEN, CLOSES, CLOSES, is_excused=True) is Status.NOT_REMINDED


@pytest.mark.parametrize("current", [None, *(set(Status) - {Status.TAKEN, Status.SKIPPED})])
def test_where_nobody_answered_there_is_nothing_to_undo(current: Status | None) -> None:
    assert undone(current, CLOSES, DUE) is None


@pytest.mark.parametrize("current", [None, Status.OPEN])
def test_an_unanswered_dose_is_scheduled_until_its_instant_and_due_from_it(current: Status | None) -> None:
    assert shown(current, DUE, DUE - TICK) == "scheduled"
    assert shown(current, DUE, DUE) == "due"


@pytest.mark.parametrize("current", sorted(set(Status) - {Status.OPEN}))
def test_an_outcome_is_shown_as_what_it_is(current: Status) -> None:
    assert shown(current, DUE, DUE) == current.value
