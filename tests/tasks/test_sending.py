"""The send loop on a real relay: everything once, nobody behind somebody slow, nothing slow in a transaction."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.notifications import delivery
from engine.notifications.delivery import LEASE
from engine.settings import Settings
from tasks import app, edge, sending
from tests.support.mailbox import PATIENCE_SECONDS, Mailbox
from tests.support.medicines import make_medicine
from tests.support.messages import became, make_channel, run_low, waiting
from tests.support.people import make_person

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)

Worlds = sessionmaker[Session]


def queue(world: Worlds, name: str, messages: int) -> Who:
    """So many messages wait for somebody."""
    with world.begin() as session:
        who = make_person(session, name=name, now=NOW)
        make_channel(session, who, address=f"{name}@example.com", now=NOW)
        run_low(session, who, make_medicine(session, who, now=NOW), times=messages, now=NOW)
    return who


def outcomes(world: Worlds, who: Who) -> list[tuple[str, bool]]:
    with world() as session:
        return [(each["outcome"], each["may_repeat"]) for each in became(session, who)]


def left(world: Worlds, who: Who) -> int:
    with world() as session:
        return len(waiting(session, who))


@contextmanager
def at_work() -> Iterator[threading.Thread]:
    """A sender in a thread of its own, joined at the end."""
    thread = threading.Thread(target=sending.deliver, args=(edge.database(),))
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_everything_that_is_ready_is_sent_once_so_many_at_once(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    ada = queue(world, "ada", 30)
    hold_clock(NOW)
    post.takes_seconds = 0.01
    sending.send()
    assert len(post.letters) == 30
    assert len({each.message["X-Pillio-Notification"] for each in post.letters}) == 30
    assert outcomes(world, ada) == [("sent", False)] * 30
    assert left(world, ada) == 0
    assert 1 < post.at_once_max <= sending.AT_ONCE


def test_nothing_to_send_is_nothing_to_do(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    hold_clock(NOW)
    sending.send()
    assert post.attempts == 0


def test_two_senders_send_each_message_once(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    ada = queue(world, "ada", 40)
    hold_clock(NOW)
    with at_work(), at_work():
        pass
    assert len(post.letters) == 40
    assert len({each.message["X-Pillio-Notification"] for each in post.letters}) == 40
    assert outcomes(world, ada) == [("sent", False)] * 40


def test_somebody_slow_holds_up_nobody_else_not_even_who_comes_later(
    world: Worlds, post: Mailbox, hold_clock: Any
) -> None:
    slow = queue(world, "slow", 2)
    queue(world, "ada", 20)
    post.hangs.add("slow@example.com")
    hold_clock(NOW)
    with at_work() as sender:
        post.wait_for(20)
        ben = queue(world, "ben", 5)
        assert {each.recipients[0] for each in post.wait_for(25)[20:]} == {"ben@example.com"}
        assert sender.is_alive()
        assert outcomes(world, slow) == []
        assert left(world, slow) == 2
        post.hangs.clear()
    assert outcomes(world, slow) == [("sent", False)] * 2
    assert outcomes(world, ben) == [("sent", False)] * 5


def test_no_more_is_leased_than_there_are_hands_free(
    world: Worlds, post: Mailbox, hold_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited in a leased batch behind somebody slow would come up again at another sender's, and go out twice."""
    queue(world, "slow", sending.AT_ONCE - 1)
    post.hangs.add("slow@example.com")
    hold_clock(NOW)
    monkeypatch.setattr(sending, "LOOK_AGAIN_SECONDS", 0.01)
    with at_work():
        wait_for_attempts(post, sending.AT_ONCE - 1)
        post.hangs.add("ada@example.com")
        ada = queue(world, "ada", 3)
        wait_for_attempts(post, sending.AT_ONCE)
        threading.Event().wait(0.2)  # time to look again, several times
        with world() as session:
            assert sorted(step["fence"] for step in waiting(session, ada)) == [0, 0, 1]
        post.hangs.clear()
    assert outcomes(world, ada) == [("sent", False)] * 3


def wait_for_attempts(post: Mailbox, attempts: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while post.attempts < attempts:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def test_no_transaction_is_open_while_the_relay_takes_its_time(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    queue(world, "slow", 3)
    post.hangs.add("slow@example.com")
    hold_clock(NOW)
    open_ones = text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pillio worker%'"
        " AND datname = current_database() AND state <> 'idle' AND xact_start IS NOT NULL"
    )
    with at_work():
        wait_for_attempts(post, 3)
        with world() as session:
            assert session.scalar(open_ones) == 0
        post.hangs.clear()


def test_a_message_that_failed_waits_for_its_next_try(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    ada = queue(world, "ada", 3)
    post.answer = "451 Try again later"
    hold_clock(NOW)
    sending.send()
    assert (post.attempts, left(world, ada), outcomes(world, ada)) == (3, 3, [])

    post.answer = None
    hold_clock(NOW + timedelta(seconds=1.9))
    sending.send()
    assert post.attempts == 3
    hold_clock(NOW + timedelta(seconds=2))
    sending.send()
    assert outcomes(world, ada) == [("sent", False)] * 3


def test_what_must_not_be_sent_is_settled_without_the_relay(world: Worlds, post: Mailbox, hold_clock: Any) -> None:
    ada = queue(world, "ada", 2)
    with world.begin() as session:
        session.execute(text("UPDATE channels SET is_enabled = false"))
    hold_clock(NOW)
    sending.send()
    assert (post.attempts, outcomes(world, ada)) == (0, [("withheld", False)] * 2)


def test_an_address_that_is_refused_is_settled_and_the_others_are_sent(
    world: Worlds, post: Mailbox, hold_clock: Any
) -> None:
    gone, ada = queue(world, "gone", 1), queue(world, "ada", 1)
    post.refused.add("gone@example.com")
    hold_clock(NOW)
    sending.send()
    assert (outcomes(world, gone), outcomes(world, ada)) == ([("refused", False)], [("sent", False)])


def test_a_sender_that_dies_between_send_and_settle_is_overtaken_and_the_repeat_is_known(
    world: Worlds, post: Mailbox, hold_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = queue(world, "ada", 3)
    hold_clock(NOW)
    with monkeypatch.context() as death:
        death.setattr(delivery, "settle", _dies)
        with pytest.raises(ConnectionError):
            sending.send()
    assert (len(post.letters), outcomes(world, ada)) == (3, [])

    hold_clock(NOW + LEASE - timedelta(microseconds=1))
    sending.send()
    assert len(post.letters) == 3
    hold_clock(NOW + LEASE)
    sending.send()
    assert outcomes(world, ada) == [("sent", True)] * 3
    assert len({each.message["X-Pillio-Notification"] for each in post.letters}) == 3


def test_a_sender_that_dies_between_lease_and_send_loses_nothing(
    world: Worlds, post: Mailbox, hold_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = queue(world, "ada", 3)
    hold_clock(NOW)
    with monkeypatch.context() as death:
        death.setattr(sending, "_hand_over", _dies)
        with pytest.raises(ConnectionError):
            sending.send()
    assert post.attempts == 0

    hold_clock(NOW + LEASE)
    sending.send()
    assert outcomes(world, ada) == [("sent", True)] * 3


def _dies(*_: Any, **__: Any) -> Any:
    raise ConnectionError


def test_one_task_never_runs_for_ever(
    world: Worlds, post: Mailbox, hold_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = queue(world, "ada", 20)
    hold_clock(NOW)
    monkeypatch.setattr(sending, "SHIFT", timedelta(0))
    sending.send()
    assert left(world, ada) == 20 - sending.AT_ONCE  # what it held is settled, the rest is the next one's
    sending.send()
    assert left(world, ada) == 20 - 2 * sending.AT_ONCE


def test_a_shift_and_the_longest_hang_end_before_celery_would_kill_the_task(environment: Settings) -> None:
    assert (sending.SHIFT + LEASE).total_seconds() < app.conf.task_time_limit
