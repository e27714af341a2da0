"""Stop whoever writes to a table, inside their transaction, until a test has done to them what it wants.

A trigger waits for a lock that the test holds. So a worker can be killed or frozen exactly after it has claimed and
before it commits, without a line for it in the code: it is PostgreSQL that stands still.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from tests.support.machine import until

_LOCK = 8_150_815
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION failpoint() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" WHILE NOT pg_try_advisory_xact_lock_shared({_LOCK}) LOOP PERFORM pg_sleep(0.02); END LOOP;"
    " RETURN NULL; END $$"
)
_ARRIVED = (
    "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event = 'PgSleep' AND application_name LIKE 'pillio %'"
)


@dataclass
class Failpoint:
    """Closed while it is held: nobody gets past it."""

    engine: Engine
    _holder: Connection

    def arrived(self) -> list[int]:
        """The processes of ours that stand here; one that has reached it a moment ago may be missed."""
        with self.engine.connect() as connection:
            return [int(row.application_name.split()[-1]) for row in connection.execute(text(_ARRIVED))]

    def wait(self) -> int:
        """As soon as somebody stands here; returns their process."""
        until(self.arrived, or_else="nobody came to the failpoint")
        return self.arrived()[0]

    def open(self) -> None:
        """Everybody goes on, those to come, too."""
        if not self._holder.closed:
            self._holder.close()


@contextmanager
def failpoint(engine: Engine, table: str, event: str = "INSERT") -> Iterator[Failpoint]:
    """After each statement that does this to this table, whoever sent it stands still. Open on leaving, and gone."""
    with engine.begin() as connection:
        connection.execute(text(_FUNCTION))
        connection.execute(
            text(f"CREATE TRIGGER failpoint AFTER {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION failpoint()")
        )
    holder = engine.connect()
    holder.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
    holder.commit()
    point = Failpoint(engine, holder)
    try:
        yield point
    finally:
        point.open()
        with engine.begin() as connection:
            connection.execute(text(f"DROP TRIGGER IF EXISTS failpoint ON {table}"))
