"""A machine whose clock is wrong tells nobody, closes nothing, and says so; when it is right again, it goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.crowd import plan
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage
from tests.support.pushing import pushing
from tests.support.reminders import make_world

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
UPKEEP = ("pillio.roll", "pillio.sweep_gaps", "pillio.watch_expiries", "pillio.tidy", "pillio.send")
_STATE = (
    "SELECT (SELECT count(*) FROM notifications) AS told, (SELECT count(*) FROM reminder_logs) AS closed,"
    " (SELECT count(*) FROM deliveries) AS settled, (SELECT count(*) FROM doses) AS planned,"
    " (SELECT count(*) FROM pulses) AS ticks, (SELECT max(claimed_due_at) FROM shards) AS claimed"
)
SHIFTS = {
    "ten minutes ahead": timedelta(minutes=10),
    "ten minutes behind": timedelta(minutes=-10),
    "two days ahead": timedelta(days=2),
    "five days ahead": timedelta(days=5),
}


def set_clock(stage: Stage, shift: timedelta) -> None:
    written = stage.folder / "shift.new"
    written.write_text(str(shift.total_seconds()))
    written.replace(stage.folder / "shift")


def start_shifted(stage: Stage, program: str, *more: str) -> None:
    stage.start(program, *more, through="tests.support.shifted", PILLIO_TEST_CLOCK=str(stage.folder / "shift"))


@pytest.mark.parametrize(
    "shift",
    [
        pytest.param(shift, id=name, marks=() if name == "two days ahead" else pytest.mark.slow)
        for name, shift in SHIFTS.items()
    ],
)
def test_a_clock_that_is_wrong_tells_and_closes_nothing_until_it_is_right(on_stage: Stage, shift: timedelta) -> None:
    set_clock(on_stage, shift)
    for program, more in (("beat", ()), ("worker", EVERYTHING)):
        start_shifted(on_stage, program, *more)
    start_shifted(on_stage, "api")
    now = datetime.now(UTC)
    at_eight = morning(on_stage, 50, addresses=20)
    plan(on_stage.engine, at_eight.crowd.ids, now + timedelta(minutes=8), slot=1441)
    with on_stage.sessions.begin() as session:
        make_world(session, at=f"{now + timedelta(hours=1):%H:%M}", time_zone="UTC", now=now)
    on_stage.do("UPDATE shards SET claimed_due_at = :at, closed_closes_at = :at", at=now - timedelta(hours=1))
    letter_waits(on_stage, at_eight.crowd.ids[0], now)
    before = on_stage.rows(_STATE)
    on_stage.wait_up("api")
    with pushing(on_stage) as pusher:
        for task in UPKEEP:
            pusher.push(task)
        until(lambda: on_stage.said("worker").count("clock.disagrees") >= 3 and not pusher.left())
    status, checks = on_stage.ready()
    assert (status, checks["clock"], checks["tick"]) == (503, "disagrees", "silent")
    assert on_stage.rows(_STATE) == before
    set_clock(on_stage, timedelta(0))
    at_eight.wait_told()
    at_eight.wait_sent()
    until(lambda: on_stage.ready()[0] == 200, or_else="it did not get ready again")
    assert_letters(on_stage.engine, on_stage.post.letters)


def letter_waits(stage: Stage, user_id: int, now: datetime) -> None:
    """Of something that was told before, and must be sent today."""
    stage.do(
        "WITH told AS (INSERT INTO notifications (subject_id, key_date, slot, segment, kind, user_id, medicine_id,"
        " data, created_at) VALUES (:id, :today, 0, 0, 'low_stock', :id, :id, '{\"on_hand\": 3}', :now) RETURNING id)"
        " INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
        " SELECT told.id, c.id, 0, :id, :today, :now, :expires_at FROM told, channels c WHERE c.user_id = :id",
        id=user_id,
        today=now.date(),
        now=now,
        expires_at=now + timedelta(days=1),
    )
