"""Peer: a queue table and workers that claim batches with FOR UPDATE SKIP LOCKED, as the good job libraries do.

`python -m benchmarks.peers.skip_locked DUE_AT`: one worker, from the instant until nothing is left; run two. The queue
is a table of its own, with a status, a partial index on what waits, and the same batch size as ours. It writes the
same notification and message, and marks its job done in the same transaction.
"""

import os
import sys
import time
from datetime import datetime

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.peers.rows import TELL
from engine.clock import now

BATCH = 1000
MAKE = (
    "CREATE TABLE peer_jobs (id bigint PRIMARY KEY, reminder_id bigint NOT NULL, key_date date NOT NULL,"
    " run_at timestamptz NOT NULL, status smallint NOT NULL DEFAULT 0)",
    "CREATE INDEX peer_jobs_waiting ON peer_jobs (run_at, id) WHERE status = 0",
)
FILL = "INSERT INTO peer_jobs (id, reminder_id, key_date, run_at) SELECT id, reminder_id, key_date, due_at FROM doses"
_CLAIM = (
    "WITH claimed AS (UPDATE peer_jobs SET status = 1 WHERE id IN (SELECT id FROM peer_jobs WHERE status = 0"
    " AND run_at <= :now ORDER BY run_at, id LIMIT :batch FOR UPDATE SKIP LOCKED) RETURNING reminder_id, key_date)"
    " SELECT reminder_id, key_date FROM claimed"
)
_TELL = text(
    TELL.format(
        which="(reminder_id, key_date) IN (SELECT * FROM unnest(CAST(:reminder_ids AS bigint[]),"
        " CAST(:key_dates AS date[]))) AND slot = 1440 AND segment = 0 AND key_date = ANY(CAST(:key_dates AS date[]))"
    )
)


def main(due_at: datetime) -> None:
    engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"))
    engine.connect().close()
    time.sleep(max(0.0, (due_at - now()).total_seconds()))
    while True:
        with engine.begin() as connection:
            claimed = connection.execute(text(_CLAIM), {"now": now(), "batch": BATCH}).all()
            if not claimed:
                return
            values = {"reminder_ids": [row[0] for row in claimed], "key_dates": [row[1] for row in claimed]}
            connection.execute(_TELL, values | {"now": now()})


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]))
