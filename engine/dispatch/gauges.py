"""Numbers for `/metrics`: how late, how much is waiting, how long since the last tick. Counts only, nobody's data.

From the same numbers follows whether all is well: nothing due is unclaimed, nothing ready has waited for long.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

MEANINGS = {
    "tick_age_seconds": "Since the second the newest tick stood for; infinite before the first",
    "outbox_waiting": "Outside messages not settled yet",
    "outbox_oldest_seconds": "How long the longest waiting message has been ready to be sent",
    "shards_behind": "Shards with a dose that is due and not claimed",
    "shards_overdue": "Shards with a dose that has been due for fifteen seconds and is not claimed",
    "outages_today": "Stretches of the last day in which no tick was taken up",
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
    " (SELECT count(*) FROM shards s WHERE EXISTS (SELECT FROM doses d WHERE d.shard = s.shard"
    "  AND (d.due_at, d.id) > (s.claimed_due_at, s.claimed_id) AND d.due_at <= :overdue)) AS shards_overdue,"
    " (SELECT count(*) FROM outages WHERE ended_at > :a_day_ago) AS outages_today,"
    " (SELECT count(*) FROM wakeups WHERE wake_at <= :now) AS wakeups_waiting,"
    " (SELECT count(*) FROM deliveries WHERE may_repeat AND recorded_at > :a_day_ago)"
    "  AS possible_repeats_today"
)


OVERDUE_AFTER = timedelta(seconds=15)
TICK_AGE_MAX_SECONDS = 15.0
OUTBOX_AGE_MAX_SECONDS = 300.0


def what_is_wrong(session: Session, *, now: datetime) -> str | None:
    """The first gauge that is not as it should be; None while everybody who is due has been told."""
    values = read(session, now=now)
    bounds = {
        "tick_age_seconds": TICK_AGE_MAX_SECONDS,
        "shards_overdue": 0,
        "outbox_oldest_seconds": OUTBOX_AGE_MAX_SECONDS,
    }
    return next((name for name, most in bounds.items() if values[name] > most), None)


def read(session: Session, *, now: datetime) -> dict[str, float]:
    """The value of every gauge in `MEANINGS`."""
    values = {"now": now, "overdue": now - OVERDUE_AFTER, "a_day_ago": now - timedelta(days=1)}
    row = session.execute(_READ, values).mappings().one()
    return {name: float("inf") if row[name] is None else float(row[name]) for name in MEANINGS}
