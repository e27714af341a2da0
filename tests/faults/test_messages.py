"""Messages that come twice, late, out of order, or from another version: a wake-up is never the record."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage
from tests.support.pushing import pushing

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
SECOND = timedelta(seconds=1)
UPKEEP = ("pillio.roll", "pillio.sweep_gaps", "pillio.watch_expiries", "pillio.tidy", "pillio.send")


def test_the_same_message_many_times_and_in_any_order_changes_nothing(on_stage: Stage) -> None:
    """Each shard's drain five times, alone and with others, for instants to come and long gone; and so the ticks."""
    at_eight = morning(on_stage, addresses=30)
    over = morning(on_stage, 50, addresses=10, seconds=-3600, window=60 * SECOND, first=at_eight.crowd.ids[-1] + 1)
    now = datetime.now(UTC)
    with pushing(on_stage) as pusher:
        for _ in range(5):
            for shard in range(0, 64, 3):
                group = [shard] if shard % 2 else [shard, (shard + 1) % 64, (shard * 7) % 64, shard]
                pusher.push("pillio.drain", group, (now + (shard % 7 - 3) * 3600 * SECOND).isoformat())
            for seconds in (-3600, -5, 0, 5, 3600):
                pusher.push("pillio.tick", (now + seconds * SECOND).isoformat())
            for task in UPKEEP:
                pusher.push(task)
        on_stage.start("worker", *EVERYTHING)
        on_stage.start("beat")
        until(lambda: not pusher.left(), or_else="messages are left in the queues")
    at_eight.wait_told()
    at_eight.wait_sent()
    over.wait_closed()
    assert over.became == {"not_reminded": 50}
    assert_letters(on_stage.engine, on_stage.post.letters)


def test_messages_that_nobody_understands_hold_up_nobody(on_stage: Stage) -> None:
    """Of a version to come or long gone, or of nobody's: passed over, and the next one is taken."""
    at_eight = morning(on_stage)
    now = datetime.now(UTC).isoformat()
    with pushing(on_stage) as pusher:
        pusher.push("pillio.drain", "all", now)
        pusher.push("pillio.drain", 3, now)  # as the first version did
        pusher.push("pillio.drain", [3])
        pusher.push("pillio.drain", [3], now, "and a third argument")
        pusher.push("pillio.drain", [999, -1], now)
        pusher.push("pillio.tick", "half past nine")
        pusher.push("pillio.tick", now, {"source": "beat"})
        pusher.push("pillio.remind_one_dose", 77)
        pusher.push("pillio.send", serializer="pickle")
        on_stage.start("worker", *EVERYTHING)
        on_stage.start("beat")
        until(lambda: not pusher.left(), or_else="messages are left in the queues")
        at_eight.wait_told()
        until(lambda: on_stage.count("SELECT count(*) FROM pulses WHERE source = 'beat'") >= 2)
    assert on_stage.running["worker"].poll() is None, on_stage.said("worker")


@pytest.mark.slow
def test_what_is_no_message_at_all_ends_a_worker_and_then_is_gone(on_stage: Stage) -> None:
    """Celery's transport gives up over it. Whoever starts the worker again finds the next message."""
    at_eight = morning(on_stage)
    with pushing(on_stage) as pusher:
        for queue in ("tick", "drain", "send"):
            pusher.push_raw(queue, b"not even JSON")
            pusher.push_raw(queue, json.dumps({"body": "e30=", "headers": {}, "properties": {}}).encode())
        on_stage.start("beat")
        for _ in range(8):
            worker = on_stage.start("worker", *EVERYTHING)
            until(lambda: worker.poll() is not None or (not pusher.left() and at_eight.told == 300))  # noqa: B023
            if worker.poll() is None:
                break
        assert worker.poll() is None, on_stage.said("worker")
    at_eight.wait_told()
    assert on_stage.said("worker").count("worker.in_trouble") <= 6
