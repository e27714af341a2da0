"""Workers that are killed and frozen in the middle of what they do. Nobody is told twice, nobody is left out."""

from datetime import timedelta

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.failpoints import failpoint
from tests.support.machine import PATIENCE_SECONDS, until
from tests.support.morning import lease_is_over, morning
from tests.support.playing import Stage

MINUTE = timedelta(minutes=1)
AT_ONCE = 3 * 8  # two processes of the pool and the watchdog, with so many connections each
EVERYTHING = ("-Q", "tick,drain,upkeep,send")
BETWEEN = {
    "a tick was written": ("pulses", "INSERT"),
    "doses were claimed": ("notifications", "INSERT"),
    "messages were leased": ("outbox", "UPDATE"),
    "a message was settled": ("deliveries", "INSERT"),
    "windows were closed": ("reminder_logs", "INSERT"),
}


def two_workers(stage: Stage) -> None:
    for name in ("worker", "another"):
        stage.start("worker", *EVERYTHING, name=name)
    stage.start("beat")


def kill_at(stage: Stage, pid: int, who: str) -> None:
    """The process that stands at a failpoint, or the program it belongs to."""
    name = stage.owner(pid)
    if who == "child" and pid != stage.running[name].pid:
        stage.kill_child(name, pid)
    else:
        stage.kill(name)


@pytest.mark.parametrize("who", ["child", "parent"])
def test_a_worker_killed_with_a_batch_in_its_hands_has_told_nobody_of_it(on_stage: Stage, who: str) -> None:
    at_eight = morning(on_stage, addresses=30)
    with failpoint(on_stage.engine, "notifications") as point:
        two_workers(on_stage)
        kill_at(on_stage, point.wait(), who)
        assert at_eight.told == 0
    at_eight.wait_told()
    at_eight.wait_sent()
    assert_letters(on_stage.engine, on_stage.post.letters)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["child", "parent"])
@pytest.mark.parametrize("moment", BETWEEN)
def test_a_worker_killed_after_any_statement_and_before_its_commit(on_stage: Stage, moment: str, who: str) -> None:
    at_eight = morning(on_stage, addresses=30)
    over = morning(on_stage, addresses=10, seconds=-3600, window=MINUTE, first=at_eight.crowd.ids[-1] + 1)
    with failpoint(on_stage.engine, *BETWEEN[moment]) as point:
        two_workers(on_stage)
        kill_at(on_stage, point.wait(), who)
    at_eight.wait_told()
    over.wait_closed()
    lease_is_over(on_stage)
    at_eight.wait_sent()
    in_flight = 8 if moment == "a message was settled" else 0
    assert_letters(on_stage.engine, on_stage.post.letters, in_flight=in_flight)


def leased(stage: Stage) -> int:
    return stage.count("SELECT count(*) FROM outbox WHERE leased_until_at IS NOT NULL")


def marked(stage: Stage) -> int:
    return stage.count("SELECT count(*) FROM deliveries WHERE may_repeat")


@pytest.mark.parametrize("moment", ["the relay has it", "the sender knows"])
def test_a_sender_killed_after_the_relay_accepted_repeats_what_was_in_flight_and_counts_it(
    on_stage: Stage, moment: str
) -> None:
    """Between accept and settle nobody can tell whether a letter was sent: it is sent again, and says so."""
    at_eight = morning(on_stage, 60, addresses=60)
    on_stage.post.accepted = lambda _: moment == "the relay has it" and on_stage.kill_all("worker")
    with failpoint(on_stage.engine, "deliveries") as point:
        on_stage.start("worker", *EVERYTHING)
        on_stage.post.wait_for(1, PATIENCE_SECONDS)
        if moment == "the sender knows":
            point.wait()
            on_stage.kill_all("worker")
        until(lambda: "worker" not in on_stage.running)
    on_stage.post.accepted = None
    in_flight = leased(on_stage)
    assert 0 < in_flight <= AT_ONCE
    lease_is_over(on_stage)
    on_stage.start("worker", *EVERYTHING)
    at_eight.wait_sent()
    assert_letters(on_stage.engine, on_stage.post.letters, in_flight=in_flight)
    assert marked(on_stage) == in_flight
    assert 0 < len(on_stage.post.letters) - 60 <= in_flight


def test_a_sender_frozen_past_its_lease_settles_nothing_when_it_thaws(on_stage: Stage) -> None:
    at_eight = morning(on_stage, 60, addresses=60)
    on_stage.post.accepted = lambda _: on_stage.freeze("worker")
    on_stage.start("worker", *EVERYTHING, "-l", "info")
    on_stage.post.wait_for(1, PATIENCE_SECONDS)
    on_stage.post.accepted = None
    in_flight = leased(on_stage)
    assert 0 < in_flight <= AT_ONCE
    lease_is_over(on_stage)
    on_stage.start("worker", *EVERYTHING, name="another")
    at_eight.wait_sent()
    before = on_stage.rows("SELECT notification_id, fence FROM deliveries ORDER BY 1")
    on_stage.thaw("worker")
    until(lambda: "messages.settled" in on_stage.said("worker"), or_else="it never tried to settle")
    assert on_stage.rows("SELECT notification_id, fence FROM deliveries ORDER BY 1") == before
    assert_letters(on_stage.engine, on_stage.post.letters, in_flight=in_flight)
    assert marked(on_stage) == in_flight


@pytest.mark.slow
def test_a_worker_frozen_inside_a_transaction_holds_its_shard_for_a_minute_and_tells_nobody_twice(
    on_stage: Stage,
) -> None:
    """PostgreSQL ends a transaction that has been idle for a minute; whoever sleeps in one wakes up to an error."""
    at_eight = morning(on_stage)
    with failpoint(on_stage.engine, "notifications") as point:
        on_stage.start("worker")
        on_stage.start("beat")
        point.wait()
        on_stage.freeze("worker")
    on_stage.start("worker", *EVERYTHING, name="another")
    at_eight.wait_told(120)
    print(f"a worker frozen inside a transaction: the last was told {at_eight.lateness():.0f} s late")
    on_stage.kill_all("another")
    on_stage.thaw("worker")
    ticks = on_stage.count("SELECT count(*) FROM pulses")
    until(lambda: on_stage.count("SELECT count(*) FROM pulses") > ticks + 2, or_else="it did not come back")
    assert at_eight.told == len(at_eight.crowd.ids)
