"""Answer a dose: taken, skipped, later, undone. Outcome, stock, bell and facts commit as one, once.

A handle is a dose's public id, or a reminder's id, which means the dose of now (`doses.lookup`).
"""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import due, wakeups
from engine.doses import administration, consumption, lookup, queries
from engine.doses.administration import Recorded, Said
from engine.doses.lookup import DoseRef
from engine.doses.states import Status
from engine.errors import Conflict, Invalid
from engine.events import log
from engine.events.facts import DoseChanged
from engine.notifications import inbox

SNOOZE_MINUTES = 10

_REMINDED = text(
    "SELECT dose_id, min(created_at) AS reminded_at FROM notifications WHERE user_id = :user_id AND kind = 'due'"
    " AND subject_id = ANY(:reminder_ids) AND key_date BETWEEN :since AND :until AND dose_id = ANY(:dose_ids)"
    " GROUP BY dose_id"
)


def answer(
    session: Session, who: Who, handle: int, *, status: str, taken_at: datetime | None = None,
    notes: str | None = None, reason: str | None = None, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Taken or skipped. The same again changes nothing and answers the same."""
    dose = lookup.by_handle(session, who, handle, now=now)
    said = Said(Status(status), taken_at=taken_at, notes=notes, reason=reason)
    recorded = administration.record(session, who, dose, said, now=now)
    if recorded.is_new:
        _follow(session, who, recorded, now)
    return one(session, who, recorded.dose.id, now=now)


def undo(session: Session, who: Who, handle: int, *, now: datetime) -> dict[str, Any]:
    """Take the answer back; the exact stock entry is reversed. A dose that an early answer had silenced is told now."""
    dose = lookup.by_handle(session, who, handle, now=now)
    recorded = administration.undo(session, who, dose, now=now)
    if recorded.is_new:
        if recorded.replaced_log_id is not None:
            consumption.give_back(session, who, recorded.replaced_log_id, now=now)
        inbox.mark_answered(session, dose=dose, action=None, now=now)
        administration.tell(session, recorded.dose, now=now)
        due.claim_inline(session, dose.reminder_id, now=now)
    return one(session, who, dose.id, now=now)


def snooze(session: Session, who: Who, handle: int, *, minutes: int = SNOOZE_MINUTES, now: datetime) -> dict[str, Any]:
    """Say it again later: the next telling moves, the dose does not. Raises Conflict unless it is due and open."""
    dose = lookup.by_handle(session, who, handle, now=now)
    _refuse_to_snooze(dose, now)
    wake_at = now + timedelta(minutes=minutes)
    if not now < wake_at < dose.closes_at:
        raise Invalid("snooze_too_long", "That is after the time in which this dose can still be taken.")
    wakeups.schedule(session, dose, who.person.shard, wake_at, now=now)
    inbox.mark_answered(session, dose=dose, action="snoozed", now=now)
    # an answer given meanwhile has either touched the bell before us, and is seen here, or will touch it after us
    _refuse_to_snooze(lookup.by_id(session, who, dose.id), now)
    log.append(session, [_snoozed(dose, wake_at, now)], now=now)
    return one(session, who, dose.id, now=now) | {"snoozed_until": wake_at}


def by_notification(session: Session, who: Who, notification_id: int, *, status: str, now: datetime) -> dict[str, Any]:
    """Taken or skipped from the bell; returns the notification. Raises Invalid if it is not about a dose."""
    dose_id = inbox.one(session, who, notification_id)["dose_id"]
    if dose_id is None:
        raise Invalid("not_about_a_dose", "This notification is not about a dose.")
    answer(session, who, dose_id, status=status, now=now)
    return inbox.one(session, who, notification_id)


def one(session: Session, who: Who, dose_id: int, *, now: datetime) -> dict[str, Any]:
    """One dose with when its person was reminded. Raises NotFound."""
    return _with_reminded(session, who, [queries.one(session, who, dose_id, now=now)])[0]


def doses(
    session: Session, who: Who, *, start: date, end: date, status: str | None, page: int, per_page: int, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    """Doses of the local dates [start, end], each with when its person was reminded, and how many there are."""
    found, total = queries.doses(
        session, who, start=start, end=end, status=status, page=page, per_page=per_page, now=now
    )
    return _with_reminded(session, who, found), total


def _follow(session: Session, who: Who, recorded: Recorded, now: datetime) -> None:
    """What an answer entails: stock, silence, and the fact."""
    is_taken = recorded.dose.status is Status.TAKEN
    left = consumption.post(session, who, recorded, now=now) if is_taken else None
    wakeups.cancel(session, recorded.dose)
    inbox.mark_answered(session, dose=recorded.dose, action=str(recorded.dose.status), now=now)
    administration.tell(session, recorded.dose, is_uncounted=is_taken and left is None, now=now)


def _refuse_to_snooze(dose: DoseRef, now: datetime) -> None:
    if dose.status not in (None, Status.OPEN) or now >= dose.closes_at:
        raise Conflict("dose_closed", "This dose is not open any more, so it cannot be put off.")
    if now < dose.due_at:
        raise Conflict("dose_not_due", "This dose is not due yet, so there is nothing to put off.")


def _snoozed(dose: DoseRef, wake_at: datetime, now: datetime) -> DoseChanged:
    return DoseChanged(
        user_id=dose.user_id,
        occurred_at=now,
        dose_id=dose.id,
        reminder_id=dose.reminder_id,
        medicine_id=dose.medicine_id,
        status="snoozed",
        revision=dose.revision,
        due_at=dose.due_at,
        snoozed_until=wake_at,
    )


def _with_reminded(session: Session, who: Who, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not found:
        return []
    days = [dose["planned_on"] for dose in found]
    values = {
        "user_id": who.person.id,
        "dose_ids": [dose["id"] for dose in found],
        "reminder_ids": list({dose["reminder_id"] for dose in found}),
        "since": min(days),
        "until": max(days),
    }
    reminded = {row.dose_id: row.reminded_at for row in session.execute(_REMINDED, values)}
    return [dose | {"reminded_at": reminded.get(dose["id"])} for dose in found]
