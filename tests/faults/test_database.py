"""PostgreSQL restarted, cut off and locked, while people are being told and answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.support.acknowledged import assert_letters
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage
from tests.support.taking import Taking

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
SLOWLY = 0.3
_CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'pillio %'"
)


def restart(stage: Stage) -> None:
    """Immediate: as if the machine had lost its power."""
    stage.machine.stop_postgres()
    stage.machine.start_postgres()


def cut(stage: Stage) -> None:
    """Every connection of ours, again and again for a second."""
    ends = datetime.now(UTC) + timedelta(seconds=1)
    until(lambda: stage.count(_CUT) >= 0 and datetime.now(UTC) > ends)


@pytest.mark.parametrize("fault", [restart, cut])
def test_what_was_acknowledged_is_kept_and_everybody_is_told_once(
    on_stage: Stage, fault: Callable[[Stage], None]
) -> None:
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    on_stage.perform("api")
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=30)
        on_stage.do("UPDATE channels SET is_enabled = false")  # the letters are the crowd's alone
        at_eight = morning(on_stage, addresses=60, seconds=1)
        on_stage.post.takes_seconds = SLOWLY  # so that there are letters on their way when it happens
        with taking.going_on():
            on_stage.post.wait_for(3)
            fault(on_stage)
            at_eight.wait_told()
        taking.finish()
    on_stage.post.takes_seconds = 0
    at_eight.wait_sent()
    assert taking.statuses <= {200, 503}
    assert taking.retry_after <= {"2"}
    taking.assert_kept(on_stage.engine)
    assert_letters(on_stage.engine, on_stage.post.letters)


# --- locks ----------------------------------------------------------------------------------------------------------


@contextmanager
def held(stage: Stage, statement: str) -> Iterator[None]:
    """Somebody holds this, inside a transaction, for as long as this lasts."""
    with stage.engine.connect() as connection:
        connection.execute(text(statement))
        yield
        connection.rollback()


def test_a_shard_that_somebody_holds_delays_nobody_in_another(on_stage: Stage) -> None:
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    at_eight = morning(on_stage)
    (shard,) = on_stage.rows("SELECT shard, count(*) FROM doses GROUP BY shard ORDER BY shard LIMIT 1")
    with held(on_stage, f"SELECT FROM shards WHERE shard = {shard['shard']} FOR UPDATE"):
        at_eight.wait_told(people=300 - shard["count"])
        assert at_eight.told == 300 - shard["count"]
    at_eight.wait_told()


@pytest.mark.slow
@pytest.mark.parametrize("table", ["notifications", "pulses", "outbox", "reminder_logs", "shards"])
def test_a_table_that_somebody_locks_for_long_loses_nothing(on_stage: Stage, table: str) -> None:
    """Longer than anybody waits for a lock, so that every transaction fails, several times over."""
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    on_stage.perform("api")
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=20)
        on_stage.do("UPDATE channels SET is_enabled = false")
        at_eight = morning(on_stage, addresses=20, seconds=3)
        with taking.going_on(), held(on_stage, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
            ends = at_eight.due_at + timedelta(seconds=12)
            until(lambda: datetime.now(UTC) > ends)
        at_eight.wait_told()
        taking.finish()
    at_eight.wait_sent()
    print(f"{table} locked across an instant: the last was told {at_eight.lateness():.1f} s late")
    assert taking.statuses <= {200, 503}
    taking.assert_kept(on_stage.engine)
    assert_letters(on_stage.engine, on_stage.post.letters)
