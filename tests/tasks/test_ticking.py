"""The tick: taken up once, one drain for each shard with work, armed for the whole second."""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.dispatch import answers
from engine.pulse import beat
from tasks import ticking
from tasks.ticking import STALE
from tests.support.medicines import make_medicine
from tests.support.messages import make_channel, run_low, waiting
from tests.support.people import make_person
from tests.support.queues import Broker
from tests.support.reminders import World, bell, dose_on, make_reminder, make_world, standing

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
SECOND = timedelta(seconds=1)

Worlds = sessionmaker[Session]


def ada_at(world: Worlds, at: str = "08:00:00", *, has_mail: bool = False, **fields: Any) -> World:
    """Ada, with one reminder at this time in Riga."""
    with world.begin() as session:
        ada = make_world(session, at=at, now=NOW - timedelta(hours=1), **fields)
        if has_mail:
            make_channel(session, ada.who, now=NOW)
    return ada


def told(world: Worlds, who: Who) -> list[Any]:
    with world() as session:
        return bell(session, who)


def drains(broker: Broker) -> list[tuple[int, datetime]]:
    sent = broker.queued("drain")
    assert {name for name, _ in sent} <= {"pillio.drain"}
    return [(shard, datetime.fromisoformat(until)) for _, (group, until) in sent for shard in group]


# --- the tick -------------------------------------------------------------------------------------------------------


def test_an_idle_tick_publishes_nothing(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada_at(world, "08:00:02")
    hold_clock(NOW)
    ticking.tick(NOW.isoformat())
    assert broker.names() == set()
    with world() as session:
        assert beat.age(session, now=NOW) == timedelta(0)


def test_a_tick_publishes_one_drain_for_each_shard_with_work(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada = ada_at(world, "08:00:01")
    with world.begin() as session:
        make_reminder(session, ada.who, ada.medicine_id, at="08:00:01", now=NOW - timedelta(hours=1))
        ben = make_person(session, name="ben", now=NOW - timedelta(hours=1))
        ibuprofen = make_medicine(session, ben, now=NOW - timedelta(hours=1))
        make_reminder(session, ben, ibuprofen, at="08:00:01", now=NOW - timedelta(hours=1))
    assert ada.who.person.shard != ben.person.shard
    hold_clock(NOW)

    ticking.tick(NOW.isoformat())

    until = NOW + SECOND
    assert drains(broker) == sorted([(ada.who.person.shard, until), (ben.person.shard, until)])
    assert broker.names() == {"drain"}


def test_of_many_beats_one_takes_up_the_second(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada_at(world, "08:00:01")
    hold_clock(NOW)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ticking.tick, [(NOW + n * SECOND / 10).isoformat() for n in range(6)]))
    assert len(drains(broker)) == 1


def test_mail_that_waits_wakes_one_sender(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    with world.begin() as session:
        ada = make_person(session, now=NOW)
        make_channel(session, ada, now=NOW)
        run_low(session, ada, make_medicine(session, ada, now=NOW), times=3, now=NOW)
    hold_clock(NOW - SECOND)
    ticking.tick((NOW - SECOND).isoformat())
    assert broker.names() == set()
    hold_clock(NOW)
    ticking.tick(NOW.isoformat())
    assert (broker.names(), broker.queued("send")) == ({"send"}, [("pillio.send", [])])


@pytest.mark.parametrize(("late", "is_served"), [(STALE, True), (STALE + SECOND, False), (-STALE - SECOND, False)])
def test_a_tick_that_lay_about_is_passed_over(
    world: Worlds, broker: Broker, hold_clock: Any, late: timedelta, is_served: bool
) -> None:
    ada_at(world, "08:00:00")
    hold_clock(NOW)
    ticking.tick((NOW - late).isoformat())
    assert bool(drains(broker)) == is_served
    with world() as session:
        assert (beat.age(session, now=NOW) is not None) == is_served


@pytest.mark.parametrize("phase", [0.0, 0.001, 0.3, 0.999])
def test_whatever_the_phase_of_beat_a_drain_is_armed_for_the_whole_second(
    world: Worlds, broker: Broker, hold_clock: Any, phase: float
) -> None:
    ada = ada_at(world, "08:00:01")
    at = NOW + timedelta(seconds=phase)
    hold_clock(at)
    ticking.tick(at.isoformat())
    assert drains(broker) == [(ada.who.person.shard, NOW + SECOND)]


@pytest.mark.parametrize("phase", [0.0, 0.5, 0.999])
def test_what_is_due_after_that_second_is_left_to_the_next_tick(
    world: Worlds, broker: Broker, hold_clock: Any, phase: float
) -> None:
    ada_at(world, "08:00:02")
    at = NOW + timedelta(seconds=phase)
    hold_clock(at)
    ticking.tick(at.isoformat())
    assert drains(broker) == []


def test_what_is_due_already_does_not_wait_for_the_next_whole_second_nor_that_for_it(
    world: Worlds, broker: Broker, hold_clock: Any
) -> None:
    """Beat drifts, so now and then a second has no tick: the one before it was armed a second too early."""
    ada = ada_at(world, "08:00:00")
    with world.begin() as session:
        make_reminder(session, ada.who, ada.medicine_id, at="08:00:01", now=NOW - timedelta(hours=1))
    at = NOW + timedelta(microseconds=1000)
    hold_clock(at)
    ticking.tick(at.isoformat())
    assert drains(broker) == [(ada.who.person.shard, at), (ada.who.person.shard, NOW + SECOND)]


def test_a_tick_taken_up_in_the_next_second_arms_for_now_and_not_for_the_past(
    world: Worlds, broker: Broker, hold_clock: Any
) -> None:
    ada = ada_at(world, "08:00:00")
    late = NOW + timedelta(milliseconds=4)
    hold_clock(late)
    ticking.tick((NOW - timedelta(milliseconds=1)).isoformat())
    assert drains(broker) == [(ada.who.person.shard, late)]


# --- the drain ------------------------------------------------------------------------------------------------------


def test_a_drain_tells_what_is_due_and_calls_the_streams_of_its_shard(
    world: Worlds, broker: Broker, hold_clock: Any
) -> None:
    ada = ada_at(world)
    hold_clock(NOW)
    with broker.hearing() as calls:
        ticking.drain([ada.who.person.shard], NOW.isoformat())
        assert calls.has_heard(ada.who.person.shard)
    assert [row["kind"] for row in told(world, ada.who)] == ["due"]
    assert broker.names() == set()  # no channel, so nobody to send to


def test_a_drain_that_queued_a_message_wakes_a_sender(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada = ada_at(world, has_mail=True)
    hold_clock(NOW)
    ticking.drain([ada.who.person.shard], NOW.isoformat())
    with world() as session:
        assert len(waiting(session, ada.who)) == 1
    assert broker.queued("send") == [("pillio.send", [])]


def test_a_drain_that_comes_late_or_twice_tells_once(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada = ada_at(world)
    hold_clock(NOW + 5 * SECOND)
    ticking.drain([ada.who.person.shard], (NOW - 60 * SECOND).isoformat())
    ticking.drain([ada.who.person.shard], NOW.isoformat())
    assert [row["created_at"] for row in told(world, ada.who)] == [NOW + 5 * SECOND]


def test_many_drains_at_once_tell_once(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada = ada_at(world)
    hold_clock(NOW)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: ticking.drain([ada.who.person.shard], NOW.isoformat()), range(6)))
    assert len(told(world, ada.who)) == 1


def test_a_drain_never_tells_ahead_of_its_clock_whatever_it_was_armed_for(
    world: Worlds, broker: Broker, hold_clock: Any
) -> None:
    ada = ada_at(world, "08:00:01")
    hold_clock(NOW)
    ticking.drain([ada.who.person.shard], (NOW + timedelta(minutes=1)).isoformat())
    assert told(world, ada.who) == []


def test_a_drain_sleeps_to_its_instant_and_tells_then(world: Worlds, broker: Broker) -> None:
    """On the real clock: armed for the next whole second, with a dose due then and another one a second later."""
    now = datetime.now(UTC)
    instant = datetime.fromtimestamp(math.ceil(now.timestamp() + 0.2), UTC)
    with world.begin() as session:
        ada = make_world(session, at=f"{instant:%H:%M:%S}", time_zone="UTC", now=now - timedelta(minutes=1))
        after = instant + SECOND
        later = {"at": f"{after:%H:%M:%S}", "start_date": after.date()}
        make_reminder(session, ada.who, ada.medicine_id, now=now - timedelta(minutes=1), **later)

    ticking.drain([ada.who.person.shard], instant.isoformat())

    [row] = told(world, ada.who)
    assert row["due_at"] == instant <= row["created_at"] < after


def test_a_drain_closes_windows_and_wakes_what_was_put_off(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    ada = ada_at(world, grace_minutes=30)
    shard = ada.who.person.shard
    hold_clock(NOW)
    ticking.drain([shard], NOW.isoformat())
    with world.begin() as session:
        answers.snooze(session, ada.who, ada.reminder_id, minutes=10, now=NOW + SECOND)

    hold_clock(NOW + timedelta(minutes=10))
    ticking.drain([shard], NOW.isoformat())
    assert [row["action_taken"] for row in told(world, ada.who)] == ["snoozed"]
    hold_clock(NOW + timedelta(minutes=10) + SECOND)
    ticking.drain([shard], NOW.isoformat())
    assert [row["action_taken"] for row in told(world, ada.who)] == [None]

    with broker.hearing() as calls:
        hold_clock(NOW + timedelta(minutes=30))
        ticking.drain([shard], NOW.isoformat())
        assert calls.has_heard(shard)
    assert [row["kind"] for row in told(world, ada.who)] == ["due", "missed"]
    with world() as session:
        assert standing(session, dose_on(session, ada.reminder_id, NOW.date())["id"]) == "missed"


def test_many_busy_shards_are_drained_by_few_messages() -> None:
    assert ticking.grouped([]) == []
    assert ticking.grouped([7, 9]) == [[7], [9]]
    groups = ticking.grouped(list(range(64)))
    assert len(groups) == ticking.GROUPS
    assert sorted(shard for group in groups for shard in group) == list(range(64))
