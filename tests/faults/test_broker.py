"""The broker flushed, restarted, refused and frozen, across instants: it only calls, so nothing is lost with it."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from tests.support.acknowledged import assert_letters
from tests.support.machine import freeze, thaw, until
from tests.support.mailbox import HOST
from tests.support.morning import morning
from tests.support.playing import Stage
from tests.support.taking import Taking

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
_BY_BEAT = "SELECT count(*) FROM pulses WHERE source = 'beat' AND slot_at > :since"


def command(stage: Stage, *words: str) -> None:
    with redis.Redis.from_url(stage.environment["REDIS_URL"]) as broker:
        broker.execute_command(*words)


FAULTS = {
    # as when its disk is full: it answers, and refuses whatever it would have to write
    "read-only": (
        lambda stage: command(stage, "REPLICAOF", HOST, "1"),
        lambda stage: command(stage, "REPLICAOF", "NO", "ONE"),
    ),
    "refused": (lambda stage: stage.machine.kill_valkey(), lambda stage: stage.machine.start_valkey()),
    "blackholed": (
        lambda stage: freeze(stage.machine.valkey.pid),
        lambda stage: thaw(stage.machine.valkey.pid),
    ),
}


def beat_is_heard(stage: Stage, since: datetime | None = None) -> None:
    until(
        lambda: stage.count(_BY_BEAT, since=since or datetime.now(UTC) - timedelta(seconds=2)) >= 2,
        or_else="beat was not heard",
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broker_that_is_away_across_an_instant_costs_nobody_a_dose(on_stage: Stage, fault: str) -> None:
    away, _ = FAULTS[fault]
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    beat_is_heard(on_stage)
    at_eight = morning(on_stage, addresses=20, seconds=2)
    away(on_stage)
    at_eight.wait_told()
    at_eight.wait_sent()
    assert all(each.poll() is None for each in on_stage.running.values()), "somebody gave up"
    print(f"broker {fault} across an instant: the last was told {at_eight.lateness():.1f} s late")
    assert_letters(on_stage.engine, on_stage.post.letters)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seconds", [1, 20])
def test_everybody_finds_the_broker_again_by_themselves(on_stage: Stage, fault: str, seconds: int) -> None:
    """Twice in a row, for a second and for twenty: beat is heard again, and a dose is drained by its tick."""
    away, back = FAULTS[fault]
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    beat_is_heard(on_stage)
    for turn in range(2):
        at_eight = morning(on_stage, 50, seconds=seconds / 2, first=100_001 + 1000 * turn)
        away(on_stage)
        until(lambda at=at_eight.due_at: datetime.now(UTC) > at + timedelta(seconds=seconds / 2))
        back(on_stage)
        returned = datetime.now(UTC)
        at_eight.wait_told()
        beat_is_heard(on_stage, returned)
        print(
            f"broker {fault} for {seconds} s: beat heard after {(datetime.now(UTC) - returned).total_seconds():.0f} s"
        )


def test_a_broker_flushed_in_the_middle_loses_nothing(on_stage: Stage) -> None:
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    beat_is_heard(on_stage)
    at_eight = morning(on_stage, addresses=20, seconds=1)
    with redis.Redis.from_url(on_stage.environment["REDIS_URL"]) as broker:
        for _ in range(20):
            broker.flushdb()
            until(lambda: True)
    at_eight.wait_told()
    at_eight.wait_sent()
    beat_is_heard(on_stage, datetime.now(UTC))
    assert_letters(on_stage.engine, on_stage.post.letters)


@pytest.mark.slow
def test_the_api_answers_and_keeps_without_a_broker_and_says_that_it_is_away(on_stage: Stage) -> None:
    on_stage.perform("worker", "beat", "api")
    beat_is_heard(on_stage)
    with on_stage.caller() as caller:
        taking = Taking.of_many(caller, doses=12)
        for fault, (away, back) in FAULTS.items():
            away(on_stage)
            status, checks = on_stage.ready()
            assert checks["database"] == "ok"
            assert fault == "read-only" or (status, checks["broker"]) == (503, "unreachable")
            for _ in range(4):
                taking.take_one()
            back(on_stage)
            until(lambda: on_stage.ready()[0] == 200, or_else="it did not get ready again")
    assert taking.statuses == {200}
    taking.assert_kept(on_stage.engine)
