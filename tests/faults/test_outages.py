"""The whole stack stopped over due doses and the ends of windows: known not to have told, and never a burst."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.crowd import plan
from tests.support.machine import freeze, thaw, until
from tests.support.morning import Morning, morning, ticked_until
from tests.support.playing import Stage

MINUTE = timedelta(minutes=1)
EVERYTHING = ("-Q", "tick,drain,upkeep,send")


def test_who_was_not_told_for_want_of_us_missed_nothing_and_is_written_to_once(on_stage: Stage) -> None:
    """Down from twenty minutes ago until now. Four doses of everybody's fell due meanwhile, one of them is over."""
    now = datetime.now(UTC)
    over = morning(on_stage, 40, addresses=40, seconds=-15 * 60, window=10 * MINUTE)
    for minutes in (14, 12, 6):
        plan(on_stage.engine, over.crowd.ids, now - minutes * MINUTE, slot=1440 + minutes)
    on_stage.do("UPDATE shards SET claimed_due_at = :at, closed_closes_at = :at", at=now - 20 * MINUTE)
    ticked_until(on_stage, now - 21 * MINUTE, now - 20 * MINUTE)
    on_stage.start("worker", *EVERYTHING)
    until(lambda: on_stage.count("SELECT count(*) FROM notifications WHERE kind = 'due'") >= 3 * 40)
    until(lambda: on_stage.count("SELECT count(*) FROM reminder_logs") + waiting_to_close(on_stage) == 40)
    over.wait_sent()
    assert set(over.became) <= {"not_reminded"}
    assert on_stage.count("SELECT count(*) FROM outages") == 1
    assert len(on_stage.post.letters) == 40, "one letter each, however much was late"
    assert_letters(on_stage.engine, on_stage.post.letters)


def waiting_to_close(stage: Stage) -> int:
    return stage.count("SELECT count(*) FROM wakeups WHERE kind = 'close'")


def test_who_was_told_before_we_went_down_is_given_the_time_back(on_stage: Stage) -> None:
    """Told at once, half an hour ago, with 29 minutes to answer; two minutes later we were gone until now."""
    now = datetime.now(UTC)
    told = morning(on_stage, 30, seconds=-30 * 60, window=29 * MINUTE)
    on_stage.do("UPDATE shards SET claimed_due_at = :at, closed_closes_at = :at", at=now - 31 * MINUTE)
    pretend_told(told)
    ticked_until(on_stage, now - 31 * MINUTE, now - 28 * MINUTE)
    on_stage.start("worker", *EVERYTHING)
    until(lambda: waiting_to_close(on_stage) == 30, or_else="nobody was given the time back")
    assert told.became == {}


def pretend_told(told: Morning) -> None:
    """Each claim as it was made in time, before any of our programs runs."""
    told.stage.do(
        "INSERT INTO notifications (subject_id, key_date, slot, segment, kind, user_id, dose_id, medicine_id,"
        " rule_version, due_at, planned_local, created_at) SELECT reminder_id, key_date, slot, segment, 'due', user_id,"
        " id, medicine_id, rule_version, due_at, planned_local, due_at FROM doses WHERE user_id = ANY(:ids)",
        ids=told.crowd.ids,
    )
    told.stage.do("UPDATE shards SET claimed_due_at = :at", at=told.due_at)


@pytest.mark.slow
def test_everything_frozen_for_longer_than_anybody_may_be_late(on_stage: Stage) -> None:
    """Servers and programs alike stand still for six minutes, over due doses and ends of windows, and go on."""
    away = 6 * MINUTE
    for name in ("worker", "beat", "sender"):
        on_stage.start(name)
    on_stage.perform("api")
    told = morning(on_stage, 50, addresses=20, seconds=5, window=away + MINUTE / 2)
    told.wait_told()
    ids = told.crowd.ids[-1] + 1
    over = morning(on_stage, 50, addresses=20, seconds=60, window=2 * MINUTE, first=ids)
    late = morning(on_stage, 50, addresses=20, seconds=45, window=60 * MINUTE, first=ids + 50)
    lately = morning(on_stage, 50, addresses=20, seconds=240, window=60 * MINUTE, first=ids + 100)
    pids = [each.pid for each in on_stage.running.values()]
    pids += [on_stage.machine.valkey.pid, on_stage.machine.postgres.pid]
    told.wait_sent()
    for pid in pids:
        freeze(pid)
    time.sleep(away.total_seconds())
    for pid in reversed(pids):
        thaw(pid)
    for each in (late, lately):
        each.wait_told()
        each.wait_sent()
    until(lambda: on_stage.ready()[0] == 200, or_else="it did not get ready again")
    until(lambda: datetime.now(UTC) > told.due_at + away + MINUTE, or_else="time stands still")
    assert told.became == {}, "they were told, and we were away nearly all of the time they had to answer"
    (outage,) = on_stage.rows("SELECT extract(epoch FROM ended_at - began_at) AS seconds FROM outages")
    assert abs(float(outage["seconds"]) - away.total_seconds()) < 15
    over.wait_closed(300)
    assert over.became == {"not_reminded": 50}
    assert waiting_to_close(on_stage) == 50
    assert_letters(on_stage.engine, on_stage.post.letters)
