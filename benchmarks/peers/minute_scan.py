"""Peer: a job that wakes each minute, reads every active reminder through the ORM, and tells of those that are due.

`python -m benchmarks.peers.minute_scan LAST DUE_AT`: wakes exactly at the instant, which is the kindest moment for it;
usually people wait up to a minute on top. One transaction per dose: a failure must not lose the others.
"""

import os
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from benchmarks.peers.rows import TELL_ONE
from engine.clock import now
from engine.reminders.models import Reminder, ReminderVersion

_engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"))


def is_due(rule: dict[str, object], at: datetime) -> bool:
    """Does this rule say this minute? (The benchmark's people all have a daily one, whatever its clock time.)"""
    return at.astimezone(ZoneInfo(str(rule["tzid"]))).date().isoformat() >= str(rule["start_date"])


def scan(session: Session, last: int, due_at: datetime) -> int:
    told = 0
    active = (
        select(Reminder, ReminderVersion)
        .join(ReminderVersion, ReminderVersion.reminder_id == Reminder.id)
        .where(Reminder.is_active, Reminder.deleted_at.is_(None), Reminder.id <= last)
        .execution_options(yield_per=1000)
    )
    for reminder, version in session.execute(active):
        if is_due(version.rule, due_at):
            with _engine.begin() as connection:
                values = {"reminder_id": reminder.id, "key_date": due_at.date(), "now": now()}
                connection.execute(text(TELL_ONE), values)
            told += 1
    return told


def main(last: int, due_at: datetime) -> None:
    time.sleep(max(0.0, (due_at - now()).total_seconds()))
    with Session(_engine) as session:
        scan(session, last, due_at)


if __name__ == "__main__":
    main(int(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
