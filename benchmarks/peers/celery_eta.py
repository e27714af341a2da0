"""Peer: one Celery task with an ETA per dose, the recipe of most tutorials.

`python -m benchmarks.peers.celery_eta publish KEY_DATE FIRST LAST DUE_AT`; the worker is
`celery -A benchmarks.peers.celery_eta worker`.
"""

import os
import sys
from datetime import date, datetime

from celery import Celery
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.peers.rows import TELL_ONE
from engine.clock import now

app = Celery("eta", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue="eta",
    broker_transport_options={"visibility_timeout": 3600},
)
_engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"), pool_size=2)


@app.task(name="tell")
def tell(reminder_id: int, key_date: str) -> None:
    with _engine.begin() as connection:
        values = {"reminder_id": reminder_id, "key_date": date.fromisoformat(key_date), "now": now()}
        connection.execute(text(TELL_ONE), values)


def publish(key_date: str, first: int, last: int, due_at: datetime) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for reminder_id in range(first, last + 1):
            tell.apply_async((reminder_id, key_date), eta=due_at, producer=producer)


if __name__ == "__main__":
    publish(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), datetime.fromisoformat(sys.argv[5]))
