"""Peer: one APScheduler date job per dose, kept in PostgreSQL, run by ten threads.

`python -m benchmarks.peers.apscheduler_jobs KEY_DATE FIRST LAST DUE_AT`: adds the jobs, then runs until none is left.
"""

import os
import sys
import time
from datetime import date, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.peers.rows import TELL_ONE
from engine.clock import now

_URL = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
_engine = create_engine(_URL, pool_size=10)


def tell(reminder_id: int, key_date: str) -> None:
    with _engine.begin() as connection:
        values = {"reminder_id": reminder_id, "key_date": date.fromisoformat(key_date), "now": now()}
        connection.execute(text(TELL_ONE), values)


def main(key_date: str, first: int, last: int, due_at: datetime) -> None:
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=_URL.render_as_string(hide_password=False))},
        executors={"default": ThreadPoolExecutor(10)},
        job_defaults={"misfire_grace_time": 3600},
        timezone="UTC",
    )
    scheduler.start(paused=True)
    for reminder_id in range(first, last + 1):
        scheduler.add_job(
            "benchmarks.peers.apscheduler_jobs:tell", "date", run_date=due_at, args=[reminder_id, key_date]
        )
    scheduler.resume()
    while scheduler.get_jobs():
        time.sleep(0.2)
    scheduler.shutdown(wait=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), datetime.fromisoformat(sys.argv[4]))
