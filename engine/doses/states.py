"""Pure: what a dose can be, and which answer may follow which. The table of moves is the documentation.

`scheduled` and `due` are not stored: a dose row without a current outcome is one or the other by the clock.
"""

from datetime import datetime
from enum import StrEnum

from engine.errors import Conflict


class Status(StrEnum):
    """The outcome a revision records."""

    OPEN = "open"  # an answer was undone, or its rule switched on again, while the window still holds
    TAKEN = "taken"  # early, in time or late: `taken_at` says when
    SKIPPED = "skipped"  # the person said no, and may have said why
    MISSED = "missed"  # told in time, nobody said anything
    NOT_REMINDED = "not_reminded"  # we were not awake, or could not reach the person: their record is clean
    CANCELLED = "cancelled"  # the rule was deleted or switched off while the dose was open


class Move(StrEnum):
    RECORD = "record"  # the first answer
    CORRECT = "correct"  # supersedes what was recorded or inferred
    NOTHING = "nothing"  # the same again


ANSWERED = frozenset({Status.TAKEN, Status.SKIPPED})
INFERRED = frozenset({Status.MISSED, Status.NOT_REMINDED})
ANSWERABLE = frozenset({None, Status.OPEN, Status.MISSED, Status.NOT_REMINDED})


def answer(current: Status | None, said: Status) -> Move:
    """What saying `taken` or `skipped` does to a dose that is `current`. Raises Conflict in words."""
    if said not in ANSWERED:
        raise ValueError(said)
    if current == said:
        return Move.NOTHING
    if current is None:
        return Move.RECORD
    if current is Status.TAKEN:
        raise Conflict("dose_taken", "This dose is recorded as taken. Undo that first.")
    if current is Status.CANCELLED:
        raise Conflict("dose_cancelled", "The reminder of this dose was switched off or deleted while it was open.")
    return Move.CORRECT


def undone(current: Status | None, closes_at: datetime, now: datetime, *, is_excused: bool = False) -> Status | None:
    """What a dose becomes when its answer is undone; None if there is nothing to undo.

    `is_excused`: this dose is never counted missed, because its person was not reminded in time.
    """
    if current not in ANSWERED:
        return None
    if now < closes_at:
        return Status.OPEN
    return Status.NOT_REMINDED if is_excused else Status.MISSED


def shown(current: Status | None, due_at: datetime, now: datetime) -> str:
    """The word a client sees for a dose."""
    if current is None or current is Status.OPEN:
        return "scheduled" if now < due_at else "due"
    return current.value
