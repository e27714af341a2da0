"""Close the doses that are open when their rule is withdrawn: cancelled, out of every list and every rate.

A rule that is only switched off may be switched on again: a dose whose window still holds then is open once more.
"""

from datetime import datetime

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses import lookup
from engine.doses.lookup import DoseRef

_SAME = "l.reminder_id = d.reminder_id AND l.key_date = d.key_date AND l.slot = d.slot AND l.segment = d.segment"
_OF_RULE = "d.reminder_id = :reminder_id AND d.user_id = :user_id"
# The open revision of a dose that was withdrawn has no row: it stays, for the dose may be planned again.
_SUPERSEDE_OPEN = text(
    f"UPDATE reminder_logs l SET superseded_at = :now FROM doses d WHERE {_OF_RULE} AND {_SAME}"
    " AND l.superseded_at IS NULL AND l.status = 'open'"
)
_SUPERSEDE_CANCELLED = text(
    f"UPDATE reminder_logs l SET superseded_at = :now FROM doses d WHERE {_OF_RULE} AND d.closes_at > :now AND {_SAME}"
    " AND l.superseded_at IS NULL AND l.status = 'cancelled'"
)


def _write(status: str, which: str) -> TextClause:
    """A further revision of the doses that have no current one."""
    return text(
        "INSERT INTO reminder_logs (user_id, medicine_id, reminder_id, key_date, slot, segment, dose_id, revision,"
        " status, rule_version, due_at, closes_at, planned_local, time_zone, amount, recorded_at, recorded_by, source)"
        " SELECT d.user_id, d.medicine_id, d.reminder_id, d.key_date, d.slot, d.segment, d.id,"
        f" 1 + coalesce((SELECT max(l.revision) FROM reminder_logs l WHERE {_SAME}), 0), '{status}',"
        " d.rule_version, d.due_at, d.closes_at, d.planned_local, d.time_zone, d.amount, :now, :actor_id, :source"
        f" FROM doses d WHERE {_OF_RULE} AND NOT EXISTS (SELECT FROM reminder_logs l WHERE {_SAME}"
        f" AND l.superseded_at IS NULL){which} ON CONFLICT DO NOTHING RETURNING dose_id"
    )


_CANCEL = _write("cancelled", "")
_REOPEN = _write("open", f" AND EXISTS (SELECT FROM reminder_logs l WHERE {_SAME} AND l.superseded_at = :now)")


def cancel_open(session: Session, who: Who, reminder_id: int, *, now: datetime) -> list[DoseRef]:
    """Cancel what is still unanswered of this reminder; returns those doses. The caller holds the reminder's row."""
    return _revise(session, who, reminder_id, _SUPERSEDE_OPEN, _CANCEL, now)


def reopen(session: Session, who: Who, reminder_id: int, *, now: datetime) -> list[DoseRef]:
    """Open again what was cancelled and could still be taken in time; returns those doses."""
    return _revise(session, who, reminder_id, _SUPERSEDE_CANCELLED, _REOPEN, now)


def _revise(
    session: Session, who: Who, reminder_id: int, supersede: TextClause, write: TextClause, now: datetime
) -> list[DoseRef]:
    mine = {"reminder_id": reminder_id, "user_id": who.person.id, "now": now}
    session.execute(supersede, mine)
    dose_ids = session.scalars(write, mine | {"actor_id": who.actor_id, "source": who.source}).all()
    return [lookup.by_id(session, who, dose_id) for dose_id in dose_ids]
