"""When beat is silent for three seconds each worker ticks, straight from PostgreSQL, until beat is heard again."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.pulse import beat
from engine.settings import load
from ops.ports import free_port
from tasks import edge, watchdog
from tasks.watchdog import Watchdog
from tests.support.mailbox import Mailbox
from tests.support.medicines import make_medicine
from tests.support.messages import became, make_channel
from tests.support.people import make_person
from tests.support.queues import Broker
from tests.support.reminders import bell, make_reminder, make_world

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)

Worlds = sessionmaker[Session]


@pytest.fixture
def dog(hold_clock: Any) -> Iterator["Dog"]:
    dog = Dog(hold_clock)
    yield dog
    if dog.watchdog.mail:
        dog.watchdog.mail.join(30)


class Dog:
    """A watchdog that looks when a test says so, at that instant."""

    def __init__(self, hold_clock: Any) -> None:
        self.watchdog = Watchdog()
        self._hold = hold_clock

    def looks(self, at: datetime) -> bool:
        self._hold(at)
        return self.watchdog.tick_if_silent(at)


def beat_ticks(world: Worlds, at: datetime) -> bool:
    with world.begin() as session:
        return beat.record(session, at=at, source=beat.BEAT, now=at)


def told(world: Worlds, who: Who) -> list[Any]:
    with world() as session:
        return bell(session, who)


def due_at(world: Worlds, *times: str) -> Who:
    """Ada, with a reminder at each of these times in Riga."""
    with world.begin() as session:
        ada = make_world(session, at=times[0], now=NOW - timedelta(hours=1))
        for at in times[1:]:
            make_reminder(session, ada.who, ada.medicine_id, at=at, now=NOW - timedelta(hours=1))
    return ada.who


def test_it_ticks_after_three_seconds_of_silence_and_not_before(world: Worlds, dog: Dog) -> None:
    ada = due_at(world, "08:00:01")
    beat_ticks(world, NOW)
    assert [dog.looks(NOW + seconds * SECOND) for seconds in (1, 2)] == [False, False]
    assert not dog.looks(NOW + 3 * SECOND - INSTANT)
    assert told(world, ada) == []

    assert dog.looks(NOW + 3 * SECOND)
    assert [row["kind"] for row in told(world, ada)] == ["due"]


def test_it_ticks_every_second_until_beat_is_heard_again(world: Worlds, dog: Dog) -> None:
    beat_ticks(world, NOW)
    assert [dog.looks(NOW + seconds * SECOND) for seconds in (3, 4, 5)] == [True, True, True]
    assert beat_ticks(world, NOW + 5 * SECOND + INSTANT)  # beat is back, in a second that was served already
    assert [dog.looks(NOW + seconds * SECOND) for seconds in (6, 7)] == [False, False]
    assert dog.looks(NOW + 8 * SECOND)


def test_before_the_first_beat_of_all_it_ticks_at_once(world: Worlds, dog: Dog) -> None:
    assert dog.looks(NOW)


def test_of_two_watchdogs_one_serves_each_second(world: Worlds, dog: Dog, hold_clock: Any) -> None:
    other = Dog(hold_clock)
    assert [dog.looks(NOW), other.looks(NOW + SECOND / 2)] == [True, False]
    assert [other.looks(NOW + SECOND), dog.looks(NOW + SECOND + SECOND / 2)] == [True, False]


@pytest.mark.parametrize("phase", [0.0, 0.4, 0.999])
def test_a_dose_is_told_in_time_though_beat_died_ten_seconds_before_it(world: Worlds, dog: Dog, phase: float) -> None:
    ada = due_at(world, "08:00:00")
    for seconds in range(20, 9, -1):
        beat_ticks(world, NOW - seconds * SECOND + SECOND / 2)
    for seconds in range(-9, 3):
        dog.looks(NOW + (seconds + phase) * SECOND)
    [row] = told(world, ada)
    assert timedelta(0) <= row["created_at"] - row["due_at"] < SECOND


@pytest.mark.parametrize("phase", [0.0, 0.4, 0.999])
def test_a_dose_is_told_within_five_seconds_whenever_beat_died(world: Worlds, dog: Dog, phase: float) -> None:
    """The worst that can be: with its last tick beat did not yet see what was due."""
    ada = due_at(world, "08:00:01")
    beat_ticks(world, NOW)
    for seconds in range(6):
        dog.looks(NOW + (seconds + phase) * SECOND)
    [row] = told(world, ada)
    assert row["created_at"] - row["due_at"] < 3 * SECOND


def test_it_calls_the_streams(world: Worlds, dog: Dog, broker: Broker) -> None:
    ada = due_at(world, "08:00:00")
    with broker.hearing() as calls:
        dog.looks(NOW)
        assert calls.has_heard(ada.person.shard)
    assert broker.names() == set()  # what it serves it publishes to nobody


def test_it_sends_what_waits(world: Worlds, dog: Dog, post: Mailbox) -> None:
    ada = due_at(world, "08:00:00")
    with world.begin() as session:
        make_channel(session, ada, now=NOW)
    dog.looks(NOW)
    [letter] = post.wait_for(1)
    assert letter.text == "Metformin - 1 tablet (08:00)"


def test_a_relay_that_hangs_does_not_keep_the_next_second_waiting(world: Worlds, dog: Dog, post: Mailbox) -> None:
    ada = due_at(world, "08:00:00", "08:00:01")
    with world.begin() as session:
        make_channel(session, ada, now=NOW)
    post.hangs.add("ada@example.com")
    dog.looks(NOW)
    dog.looks(NOW + SECOND)
    assert dog.watchdog.mail is not None
    assert dog.watchdog.mail.is_alive()
    assert [row["due_at"] for row in told(world, ada)] == [NOW, NOW + SECOND]
    post.hangs.clear()
    post.wait_for(2)
    dog.watchdog.mail.join(30)
    with world() as session:
        assert [each["outcome"] for each in became(session, ada)] == ["sent", "sent"]


# --- without a broker -----------------------------------------------------------------------------------------------


@pytest.fixture
def no_broker(world: Worlds, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The broker is not there: nothing listens where it should be."""
    connected = edge._redis_of(os.getpid())
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    load.cache_clear()
    edge._redis_of.cache_clear()
    yield
    monkeypatch.undo()
    load.cache_clear()
    edge._redis_of.cache_clear()
    edge._mute["until"] = 0.0
    connected.close()


def test_without_a_broker_everybody_is_told_all_the_same(world: Worlds, dog: Dog, no_broker: None) -> None:
    people = []
    with world.begin() as session:
        for name in ("ada", "ben", "cy"):
            who = make_person(session, name=name, now=NOW - timedelta(hours=1))
            medicine_id = make_medicine(session, who, now=NOW - timedelta(hours=1))
            make_reminder(session, who, medicine_id, at="08:00", now=NOW - timedelta(hours=1))
            people.append(who)
    assert dog.looks(NOW)
    assert [len(told(world, who)) for who in people] == [1, 1, 1]


def test_a_broker_that_does_not_answer_is_left_alone_for_a_while(world: Worlds, no_broker: None) -> None:
    """Else each shard of sixty-four would wait for it before its doses are claimed."""
    asked = []
    edge.wake_streams([1])
    edge._redis_of(os.getpid()).publish = lambda *_: asked.append(1)  # type: ignore[method-assign]
    edge.wake_streams([2])
    assert asked == []
    edge._mute["until"] = 0.0
    edge.wake_streams([3])
    assert asked == [1]


def test_its_thread_goes_on_when_a_look_fails(world: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def fails(now: datetime) -> bool:
        looks.append(now)
        if len(looks) == 3:
            dog.stop()
        raise ConnectionError

    monkeypatch.setattr(watchdog, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(watchdog, "LISTEN_SECONDS", 0.001)
    dog = Watchdog()
    monkeypatch.setattr(dog, "tick_if_silent", fails)
    monkeypatch.setattr(watchdog, "_make_partitions", lambda: None)
    dog._watch()
    assert len(looks) == 3
