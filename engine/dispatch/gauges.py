"""Numbers for `/metrics`: how late, how much is waiting, how long since the last tick. Counts only, nobody's data."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

MEANINGS = {
    "tick_age_seconds": "Since the second the newest tick stood for; infinite before the first",
    "outbox_waiting": "Outside messages not settled yet",
    "outbox_oldest_seconds": "How long the longest waiting message has been ready to be sent",
    "shards_behind": "Shards with a dose that is due and not claimed",
    "wakeups_waiting": "Wake-ups whose time has come",
    "possible_repeats_today": "Messages of the last day that a person may have had twice",
}
_READ = text(
    "SELECT"
    " (SELECT extract(epoch FROM :now - max(slot_at)) FROM pulses) AS tick_age_seconds,"
    " (SELECT count(*) FROM outbox) AS outbox_waiting,"
    " (SELECT coalesce(extract(epoch FROM :now - min(ready_at)), 0) FROM outbox WHERE ready_at <= :now)"
    "  AS outbox_oldest_seconds,"
    " (SELECT count(*) FROM shards s WHERE EXISTS (SELECT FROM doses d WHERE d.shard = s.shard"
    "  AND (d.due_at, d.id) > (s.claimed_due_at, s.claimed_id) AND d.due_at <= :now)) AS shards_behind,"
    " (SELECT count(*) FROM wakeups WHERE wake_at <= :now) AS wakeups_waiting,"
    " (SELECT count(*) FROM deliveries WHERE may_repeat AND recorded_at > :now - interval '1 day')"
    "  AS possible_repeats_today"
)


def read(session: Session, *, now: datetime) -> dict[str, float]:
    """The value of every gauge in `MEANINGS`."""
    row = session.execute(_READ, {"now": now}).mappings().one()
    return {name: float("inf") if row[name] is None else float(row[name]) for name in MEANINGS}
