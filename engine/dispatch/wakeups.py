"""Wake-ups: look at a dose again at an instant. Here the snooze; `deferral` uses them, too; repeats come later.

Waking again never makes a new row in the bell: the notification comes up unread once more, even if it was deleted
meanwhile, and the message goes out as a further outbox step.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.dispatch.shards import Lease
from engine.doses.lookup import DoseRef
from engine.notifications.channels import USABLE
from engine.notifications.planning import KEEP_TRYING

BATCH = 500

_SCHEDULE = text(
    "INSERT INTO wakeups (reminder_id, key_date, slot, segment, step, kind, shard, user_id, dose_id, wake_at,"
    " recorded_at)"
    " VALUES (:reminder_id, :key_date, :slot, :segment, :step, 'snooze', :shard, :user_id, :dose_id, :wake_at, :now)"
)
_HOLD = text(
    "SELECT FROM doses WHERE reminder_id = :reminder_id AND key_date = :key_date AND slot = :slot"
    " AND segment = :segment FOR UPDATE"
)
_DELETE = text(
    "DELETE FROM wakeups WHERE reminder_id = :reminder_id AND key_date = :key_date AND slot = :slot"
    " AND segment = :segment"
)
_WAKE = text(
    "WITH ready AS (DELETE FROM wakeups w USING (SELECT ctid FROM wakeups WHERE shard = :shard AND kind = 'snooze'"
    "  AND wake_at <= :now ORDER BY wake_at LIMIT :limit) r WHERE w.ctid = r.ctid RETURNING w.*),"
    " unread AS (UPDATE notifications n SET read_at = NULL, action_taken = NULL, deleted_at = NULL,"
    "  xid = pg_current_xact_id()"
    "  FROM ready r JOIN doses d ON d.reminder_id = r.reminder_id AND d.key_date = r.key_date AND d.slot = r.slot"
    "   AND d.segment = r.segment AND d.closes_at > :now"
    "  WHERE n.subject_id = r.reminder_id AND n.key_date = r.key_date AND n.slot = r.slot AND n.segment = r.segment"
    "  AND n.kind = 'due' AND NOT EXISTS (SELECT FROM reminder_logs l WHERE l.reminder_id = r.reminder_id"
    "   AND l.key_date = r.key_date AND l.slot = r.slot AND l.segment = r.segment AND l.superseded_at IS NULL"
    "   AND l.status <> 'open')"
    "  RETURNING n.id, n.user_id, n.key_date, r.step),"
    " queued AS (INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    f"  SELECT u.id, c.id, u.step, u.user_id, u.key_date, :now, :expires_at FROM unread u"
    f"  JOIN channels c ON c.user_id = u.user_id AND {USABLE} ON CONFLICT DO NOTHING RETURNING 1)"
    " SELECT (SELECT count(*) FROM ready) AS seen, (SELECT count(*) FROM unread) AS told,"
    " (SELECT count(*) FROM queued) AS queued,"
    " EXISTS (SELECT FROM wakeups WHERE shard = :shard AND kind = 'close' AND wake_at <= :now) AS is_closing"
)


@dataclass(frozen=True, slots=True)
class Woken:
    """`is_closing`: windows that were given an outage back are over (see `lapse.lapse_deferred`)."""

    seen: int = 0
    told: int = 0
    queued: int = 0
    is_closing: bool = False


def schedule(session: Session, dose: DoseRef, shard: int, wake_at: datetime, *, now: datetime) -> None:
    """One wake-up for this dose; a later snooze replaces it. The step grows with the minute, so no two collide.

    The dose's row is held: of two snoozes at once the second replaces the first, instead of waking a second time.
    """
    session.execute(_HOLD, _identity(dose))
    cancel(session, dose)
    step = max(1, ceil((wake_at - dose.due_at).total_seconds() / 60))
    values = {"user_id": dose.user_id, "dose_id": dose.id, "shard": shard, "step": step, "wake_at": wake_at, "now": now}
    session.execute(_SCHEDULE, _identity(dose) | values)


def cancel(session: Session, dose: DoseRef) -> None:
    """The dose was answered: nothing to wake for."""
    session.execute(_DELETE, _identity(dose))


def _identity(dose: DoseRef) -> dict[str, Any]:
    return {name: getattr(dose, name) for name in ("reminder_id", "key_date", "slot", "segment")}


def wake(session: Session, lease: Lease, *, now: datetime, limit: int = BATCH) -> Woken:
    """Tell again of doses whose wake-up has come and that nobody answered meanwhile."""
    values = {"shard": lease.shard, "now": now, "limit": limit, "expires_at": now + KEEP_TRYING}
    row = session.execute(_WAKE, values).one()
    return Woken(row.seen, row.told, row.queued, row.is_closing)
