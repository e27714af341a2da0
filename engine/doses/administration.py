"""Record what came of a dose: taken, skipped, undone. The stock entry is posted in the same transaction.

Outcomes are revisions. The unique key on the current one decides who was first; everybody else sees the outcome
that stands and either repeats it (nothing changes), corrects it, or is told why not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses import lookup
from engine.doses.lookup import DoseRef
from engine.doses.states import Move, Status, answer, undone
from engine.errors import Conflict, Invalid
from engine.events import log
from engine.events.facts import DoseChanged

ATTEMPTS = 5  # of racing answers each either wins or sees the winner; more losses than this is a bug
CLOCK_SLACK_SECONDS = 60  # a phone's clock may be ahead of ours by this much

_BUSY = ("dose_busy", "Somebody else is answering this dose. Please try again.")
_SUPERSEDE = text(
    "UPDATE reminder_logs SET superseded_at = :now WHERE id = :log_id AND superseded_at IS NULL RETURNING id"
)
_INSERT = text(
    "INSERT INTO reminder_logs (user_id, medicine_id, reminder_id, key_date, slot, segment, dose_id, revision, status,"
    " rule_version, due_at, closes_at, planned_local, time_zone, amount, taken_at, recorded_at, recorded_by, source,"
    " reason, notes) VALUES (:user_id, :medicine_id, :reminder_id, :key_date, :slot, :segment, :id, :revision, :status,"
    " :rule_version, :due_at, :closes_at, :planned_local, :time_zone, :amount, :taken_at, :now, :recorded_by, :source,"
    " :reason, :notes) ON CONFLICT DO NOTHING RETURNING id"
)
_KEPT_COLUMNS = (
    "id", "reminder_id", "key_date", "slot", "segment", "user_id", "medicine_id", "rule_version", "due_at",
    "closes_at", "planned_local", "time_zone", "amount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: what, when it happened, and in whose words."""

    status: Status
    taken_at: datetime | None = None
    reason: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands now. `is_new` is False if the same had been said before; `replaced_log_id` was corrected."""

    dose: DoseRef
    log_id: int
    is_new: bool
    replaced_log_id: int | None = None


def record(session: Session, who: Who, dose: DoseRef, said: Said, *, now: datetime) -> Recorded:
    """Keep an answer, once. Raises Conflict if it contradicts one that must be undone first."""
    taken_at = _taken_at(dose, said, now)
    for _ in range(ATTEMPTS):
        move = answer(dose.status, said.status)
        if move is Move.NOTHING and dose.log_id is not None:
            return Recorded(dose, dose.log_id, is_new=False)
        log_id = _write(session, who, dose, said, taken_at, now)
        if log_id is not None:
            stands = lookup.by_id(session, who, dose.id)
            return Recorded(stands, log_id, is_new=True, replaced_log_id=dose.log_id)
        dose = lookup.by_id(session, who, dose.id)
    raise Conflict(*_BUSY)


def undo(session: Session, who: Who, dose: DoseRef, *, now: datetime) -> Recorded:
    """Take an answer back: open again if the window still holds, else missed. Undoing twice is undoing once."""
    for _ in range(ATTEMPTS):
        if dose.is_undone and dose.log_id is not None:
            return Recorded(dose, dose.log_id, is_new=False)
        status = undone(dose.status, dose.closes_at, now, is_excused=dose.is_excused)
        if status is None:
            raise Conflict("nothing_to_undo", "There is no answer to undo for this dose.")
        log_id = _write(session, who, dose, Said(status), None, now)
        stands = lookup.by_id(session, who, dose.id)
        if log_id is not None:
            return Recorded(stands, log_id, is_new=True, replaced_log_id=dose.log_id)
        dose = stands
    raise Conflict(*_BUSY)


def _taken_at(dose: DoseRef, said: Said, now: datetime) -> datetime | None:
    if said.status is not Status.TAKEN:
        return None
    at = said.taken_at or now
    if (at - now).total_seconds() > CLOCK_SLACK_SECONDS:
        raise Invalid("taken_in_future", "A dose cannot have been taken in the future.")
    if abs((at - dose.due_at).days) > 366:
        raise Invalid("taken_long_ago", "That is too far from when the dose was planned.")
    return at


def _write(
    session: Session, who: Who, dose: DoseRef, said: Said, taken_at: datetime | None, now: datetime
) -> int | None:
    """One new current revision, or None if somebody else was first."""
    if dose.log_id is not None:
        superseded = session.execute(_SUPERSEDE, {"log_id": dose.log_id, "now": now}).scalar_one_or_none()
        if superseded is None:
            return None
    values: dict[str, Any] = {name: getattr(dose, name) for name in _KEPT_COLUMNS}
    values |= {
        "revision": dose.revision + 1,
        "status": said.status.value,
        "taken_at": taken_at,
        "now": now,
        "recorded_by": who.actor_id,
        "source": who.source,
        "reason": said.reason,
        "notes": said.notes,
    }
    log_id: int | None = session.execute(_INSERT, values).scalar_one_or_none()
    return log_id


def tell(session: Session, dose: DoseRef, *, is_uncounted: bool = False, now: datetime) -> None:
    """Append the fact of what the dose is now; `is_uncounted`: its unit did not convert, the stock was left alone."""
    fact = DoseChanged(
        user_id=dose.user_id,
        occurred_at=dose.taken_at or now,
        dose_id=dose.id,
        reminder_id=dose.reminder_id,
        medicine_id=dose.medicine_id,
        status=(dose.status or Status.OPEN).value,
        revision=dose.revision,
        due_at=dose.due_at,
        taken_at=dose.taken_at,
        is_uncounted=is_uncounted,
    )
    log.append(session, [fact], now=now)
