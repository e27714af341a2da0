"""The live stream while a transaction is held open somewhere, and while the database is away."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from tests.support.listening import Listening, listening
from tests.support.machine import freeze, thaw, until
from tests.support.playing import Stage
from tests.support.taking import Taking

_LATE = (
    "INSERT INTO events (recorded_at, user_id, kind, payload, occurred_at) SELECT now(), id, 'dose',"
    " jsonb_build_object('version', 1, 'status', 'committed late'), now() FROM users RETURNING id"
)


def taken(heard: Listening) -> list[int]:
    return [each["dose_id"] for each in heard.of("dose") if each["status"] == "taken"]


def test_a_transaction_held_open_holds_up_nobody_and_loses_nothing_for_who_comes_back(on_stage: Stage) -> None:
    """It has written a fact and not committed. What others commit is sent at once, but the cursor stays before it."""
    on_stage.start("stream")
    on_stage.perform("api")
    on_stage.wait_up("stream")
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=4)
        with on_stage.engine.connect() as holder, listening(taking.caller, url=on_stage.stream) as heard:
            late = holder.execute(text(_LATE)).scalar_one()
            for _ in range(2):
                taking.take_one()
            heard.wait_for(lambda each: set(taken(each)) == set(taking.acknowledged))
            cursor = heard.cursor
            holder.commit()
        with listening(taking.caller, url=on_stage.stream, last_event_id=cursor) as heard:
            taking.take_one()
            heard.wait_for(lambda each: set(taking.acknowledged[2:]) <= set(taken(each)))
            heard.wait_for(lambda each: late in [fact["id"] for fact in each.of("dose")])
            assert heard.of("resync") == []
    taking.assert_kept(on_stage.engine)


def restart(stage: Stage) -> None:
    stage.machine.stop_postgres()
    stage.machine.start_postgres()


def no_broker(stage: Stage) -> None:
    stage.machine.kill_valkey()


def blackhole(stage: Stage) -> None:
    freeze(stage.machine.valkey.pid)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [restart, no_broker, blackhole])
def test_a_stream_goes_on_through_a_fault_and_hears_everything(on_stage: Stage, fault: Callable[[Stage], None]) -> None:
    on_stage.start("stream")
    on_stage.perform("api")
    on_stage.wait_up("stream")
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=20)
        with listening(taking.caller, url=on_stage.stream) as heard:
            with taking.going_on(0.1):
                heard.wait_for(lambda each: len(taken(each)) >= 3)
                fault(on_stage)
                until(lambda: not taking.open)
            heard.wait_for(lambda each: set(taken(each)) == set(taking.acknowledged))
            assert sorted(taken(heard)) == sorted(taking.acknowledged), "the same thing was sent twice"
            assert not heard.has_ended
            thaw(on_stage.machine.valkey.pid)
