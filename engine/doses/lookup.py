"""Find the dose somebody means: by its public id, or by its reminder and the time it is.

A reminder's id means the dose whose window holds now: the earliest open one if two do, else the nearest open one
of today. An answer given a moment ago is what a second tap means, never the next dose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses.identity import is_dose_handle, key_date_of
from engine.doses.states import ANSWERABLE, ANSWERED, INFERRED, Status
from engine.errors import Conflict, NotFound
from engine.reminders import queries as reminders

EARLY = timedelta(minutes=60)  # before its instant a dose is on time this long
SAME_TAP = timedelta(seconds=60)  # a second answer this soon repeats the first
REOPENED = INFERRED | {Status.OPEN}  # what an answer becomes when it is undone


@dataclass(frozen=True, slots=True)
class DoseRef:
    """One dose and its current outcome; `log_id`, `revision` and `source` are those of the current revision.

    `is_excused`: never to be counted missed, because it was found not reminded, or born with its window open.
    """

    id: int
    reminder_id: int
    key_date: date
    slot: int
    segment: int
    user_id: int
    medicine_id: int
    rule_version: int
    due_at: datetime
    closes_at: datetime
    planned_local: datetime
    time_zone: str
    amount: Decimal
    status: Status | None
    log_id: int | None
    revision: int
    recorded_at: datetime | None
    taken_at: datetime | None
    source: str | None
    is_excused: bool

    @property
    def is_answerable(self) -> bool:
        return self.status in ANSWERABLE

    @property
    def is_undone(self) -> bool:
        """Did a person take the answer back, rather than nobody having given one?"""
        return self.status in REOPENED and self.source != "engine"


_NOT_REMINDED = (
    "EXISTS (SELECT FROM reminder_logs e WHERE e.reminder_id = {0}.reminder_id AND e.key_date = {0}.key_date"
    " AND e.slot = {0}.slot AND e.segment = {0}.segment AND e.status = 'not_reminded')"
)
_COLUMNS = (
    "d.id, d.reminder_id, d.key_date, d.slot, d.segment, d.user_id, d.medicine_id, d.rule_version, d.due_at,"
    " d.closes_at, d.planned_local, d.time_zone, d.amount,"
    " l.status, l.id AS log_id, coalesce(l.revision, 0) AS revision, l.recorded_at, l.taken_at, l.source,"
    f" (d.planned_at >= d.due_at OR {_NOT_REMINDED.format('d')}) AS is_excused"
)
_CURRENT = (
    " LEFT JOIN reminder_logs l ON l.reminder_id = d.reminder_id AND l.key_date = d.key_date AND l.slot = d.slot"
    " AND l.segment = d.segment AND l.superseded_at IS NULL"
)
# By the key of `doses`: an index by person would cost every dose ever planned more than all these reads together.
OF_PERSON = (
    "d.user_id = :user_id AND d.reminder_id = ANY(ARRAY(SELECT r.id FROM reminders r WHERE r.user_id = :user_id))"
)
_BY_ID = text(
    f"SELECT {_COLUMNS} FROM doses d{_CURRENT} WHERE d.key_date = :key_date AND d.id = :dose_id AND {OF_PERSON}"
)
# A row that is gone was dropped after its dose had closed. With an open outcome it was withdrawn: no dose any more.
_FROM_LOG = text(
    "SELECT dose_id AS id, reminder_id, key_date, slot, segment, user_id, medicine_id, rule_version, due_at, closes_at,"
    " planned_local, time_zone, amount, status, id AS log_id, revision, recorded_at, taken_at, source,"
    f" {_NOT_REMINDED.format('l')} AS is_excused FROM reminder_logs l"
    " WHERE user_id = :user_id AND key_date = :key_date AND dose_id = :dose_id AND superseded_at IS NULL"
    " AND status <> 'open'"
)
_AROUND = text(
    f"SELECT {_COLUMNS} FROM doses d{_CURRENT} WHERE d.reminder_id = :reminder_id AND d.user_id = :user_id"
    " AND d.key_date BETWEEN :since AND :until ORDER BY d.due_at"
)


def by_handle(session: Session, who: Who, handle: int, *, now: datetime) -> DoseRef:
    """The dose a handle means. Raises NotFound for a stranger's, Conflict in words if the reminder has none now."""
    if is_dose_handle(handle):
        return by_id(session, who, handle)
    reminders.require(session, who, handle)
    local = who.person.local_date(now)
    rows = session.execute(
        _AROUND,
        {
            "reminder_id": handle,
            "user_id": who.person.id,
            "since": local - timedelta(days=2),
            "until": local + timedelta(days=1),
        },
    ).mappings()
    return meant([_ref(row) for row in rows], local, now)


def by_id(session: Session, who: Who, dose_id: int) -> DoseRef:
    """The dose with this public id, also after its row was dropped. Raises NotFound."""
    values = {"key_date": key_date_of(dose_id), "user_id": who.person.id, "dose_id": dose_id}
    row = (
        session.execute(_BY_ID, values).mappings().one_or_none()
        or session.execute(_FROM_LOG, values).mappings().one_or_none()
    )
    if row is None:
        raise NotFound("dose_not_found", "There is no such dose.")
    return _ref(row)


def meant(doses: Sequence[DoseRef], today: date, now: datetime) -> DoseRef:
    """Pure: which of a reminder's doses around now somebody means who names only the reminder."""
    holding = [dose for dose in doses if dose.due_at - EARLY <= now < dose.closes_at]
    just_answered = [
        dose
        for dose in doses
        if dose.status in ANSWERED and dose.recorded_at is not None and now - dose.recorded_at < SAME_TAP
    ]
    if just_answered:
        return max(just_answered, key=lambda dose: dose.recorded_at or now)
    if open_now := [dose for dose in holding if dose.is_answerable]:
        return open_now[0]
    if holding:
        return holding[-1]
    if of_today := [dose for dose in doses if dose.key_date == today and dose.is_answerable]:
        return min(of_today, key=lambda dose: abs(dose.due_at - now))
    if answered := [dose for dose in doses if dose.key_date == today]:
        return answered[-1]
    raise Conflict("no_dose_now", "This reminder has no dose to answer today.")


def _ref(row: RowMapping) -> DoseRef:
    fields: dict[str, Any] = dict(row)
    fields["status"] = Status(fields["status"]) if fields["status"] else None
    return DoseRef(**fields)
