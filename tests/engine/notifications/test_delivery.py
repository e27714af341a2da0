"""Lease, send, settle: each message once, and twice only if its sender died in between."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import answers
from engine.notifications import channels, delivery
from engine.notifications.delivery import LEASE, UNSURE, UNSURE_AGAIN, Message, Result, Settled
from engine.notifications.models import Channel, Delivery, OutboxStep
from engine.notifications.retry import BACKOFF_SECONDS
from tests.support.medicines import make_medicine
from tests.support.messages import became, make_channel, run_low, waiting
from tests.support.people import make_person
from tests.support.reminders import World, dose_on, make_world
from tests.support.sweeps import sweep
from tests.support.together import all_at_once

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def ada(session: Session) -> World:
    """Ada's tablet of 08:00 has just become due, and one message about it waits."""
    world = make_world(session, at="08:00", now=NOW - timedelta(hours=1))
    make_channel(session, world.who, now=NOW)
    assert sweep(session, now=NOW).queued == 1
    return world


def leased(session: Session, *, now: datetime) -> Message:
    (message,) = delivery.lease(session, now=now)
    return message


def settled(session: Session, messages: Sequence[Message], outcome: str, *, now: datetime) -> Settled:
    return delivery.settle(session, [Result(each.leased, outcome) for each in messages], now=now)


# --- the life of one message ----------------------------------------------------------------------------------------


def test_a_message_is_leased_sent_and_settled(session: Session, ada: World) -> None:
    message = leased(session, now=NOW)
    assert message.words.message == "Metformin - 1 tablet (08:00)"
    assert message.dose_id == dose_on(session, ada.reminder_id, NOW.date())["id"]
    assert message.withhold is None

    assert settled(session, [message], "sent", now=NOW + SECOND) == Settled(sent=1)

    assert waiting(session, ada.who) == []
    [kept] = became(session, ada.who)
    assert (kept["outcome"], kept["may_repeat"], kept["recorded_at"]) == ("sent", False, NOW + SECOND)


def test_a_leased_message_is_invisible_to_a_second_sender(session: Session, ada: World) -> None:
    leased(session, now=NOW)
    assert delivery.lease(session, now=NOW) == []
    assert not delivery.is_ready(session, now=NOW)
    assert delivery.lease(session, now=NOW + LEASE - INSTANT) == []


def test_a_message_whose_sender_died_comes_up_again_after_the_lease_as_one_that_may_be_a_repeat(
    session: Session, ada: World
) -> None:
    first = leased(session, now=NOW)

    assert delivery.is_ready(session, now=NOW + LEASE)
    second = leased(session, now=NOW + LEASE)
    assert second.leased.fence == first.leased.fence + 1
    assert (first.leased.may_repeat, second.leased.may_repeat) == (False, True)

    settled(session, [second], "sent", now=NOW + LEASE)
    assert [each["may_repeat"] for each in became(session, ada.who)] == [True]


def test_a_sender_that_died_before_it_committed_its_lease_has_leased_nothing(session: Session, ada: World) -> None:
    with session.begin_nested() as transaction:
        leased(session, now=NOW)
        transaction.rollback()

    assert not leased(session, now=NOW).leased.may_repeat


def test_a_result_that_comes_back_under_an_old_fence_is_refused(session: Session, ada: World) -> None:
    first = leased(session, now=NOW)
    second = leased(session, now=NOW + LEASE)

    for outcome in ("sent", "refused", "failed"):
        assert settled(session, [first], outcome, now=NOW + LEASE) == Settled(stale=1)
    assert became(session, ada.who) == []

    assert settled(session, [second], "sent", now=NOW + LEASE) == Settled(sent=1)


def test_settling_twice_is_harmless(session: Session, ada: World) -> None:
    message = leased(session, now=NOW)
    settled(session, [message], "sent", now=NOW)

    assert settled(session, [message], "sent", now=NOW + SECOND) == Settled(stale=1)
    assert settled(session, [message], "failed", now=NOW + SECOND) == Settled(stale=1)
    assert len(became(session, ada.who)) == 1
    assert waiting(session, ada.who) == []


def test_a_message_that_failed_is_tried_again_ever_more_patiently(session: Session, ada: World) -> None:
    at = NOW
    for attempt, seconds in enumerate(BACKOFF_SECONDS):
        message = leased(session, now=at)
        assert (message.leased.attempts, message.leased.may_repeat) == (attempt, False)
        assert settled(session, [message], "failed", now=at) == Settled(postponed=1)
        again = at + timedelta(seconds=seconds)
        assert delivery.lease(session, now=again - INSTANT) == []
        at = again
    assert became(session, ada.who) == []

    assert settled(session, [leased(session, now=at)], "sent", now=at) == Settled(sent=1)
    assert [each["may_repeat"] for each in became(session, ada.who)] == [False]


def test_a_message_that_was_once_in_doubt_stays_so_however_often_it_is_tried(session: Session, ada: World) -> None:
    leased(session, now=NOW)  # and died
    settled(session, [leased(session, now=NOW + LEASE)], "failed", now=NOW + LEASE)
    again = leased(session, now=NOW + LEASE + 2 * SECOND)
    assert again.leased.may_repeat


def test_a_message_the_relay_never_answered_for_is_repeated_once_and_marked(session: Session, ada: World) -> None:
    first = leased(session, now=NOW)
    assert delivery.settle(session, [Result(first.leased, "failed", UNSURE)], now=NOW) == Settled(postponed=1)
    assert delivery.lease(session, now=NOW + UNSURE_AGAIN - INSTANT) == []

    second = leased(session, now=NOW + UNSURE_AGAIN)
    assert second.leased.may_repeat
    unsure = [Result(second.leased, "failed", UNSURE)]
    assert delivery.settle(session, unsure, now=NOW + UNSURE_AGAIN) == Settled(given_up=1)
    [kept] = became(session, ada.who)
    assert (kept["outcome"], kept["code"], kept["may_repeat"]) == ("failed", UNSURE, True)


def test_who_is_still_at_a_message_keeps_it_beyond_its_lease(session: Session, ada: World) -> None:
    message = leased(session, now=NOW)
    delivery.renew(session, [message.leased], now=NOW + LEASE - SECOND)
    assert delivery.lease(session, now=NOW + LEASE) == []

    second = leased(session, now=NOW + 2 * LEASE - SECOND)
    delivery.renew(session, [message.leased], now=NOW + 2 * LEASE)  # too late: another has it
    [step] = waiting(session, ada.who)
    assert (step["fence"], step["ready_at"]) == (second.leased.fence, NOW + 3 * LEASE - SECOND)


def test_a_message_is_given_up_when_its_next_try_would_come_too_late(session: Session, ada: World) -> None:
    [step] = waiting(session, ada.who)
    assert step["expires_at"] == NOW + timedelta(days=1)

    message = leased(session, now=step["expires_at"] - 3 * SECOND)
    assert settled(session, [message], "failed", now=step["expires_at"] - 3 * SECOND) == Settled(postponed=1)
    message = leased(session, now=step["expires_at"] - SECOND)
    assert message.withhold is None
    assert settled(session, [message], "failed", now=step["expires_at"] - SECOND) == Settled(given_up=1)

    assert waiting(session, ada.who) == []
    assert [each["outcome"] for each in became(session, ada.who)] == ["failed"]


def test_a_message_nobody_tried_in_time_is_not_sent_any_more(session: Session, ada: World) -> None:
    [step] = waiting(session, ada.who)
    message = leased(session, now=step["expires_at"])
    assert message.withhold == "expired"
    assert settled(session, [message], "expired", now=step["expires_at"]) == Settled(given_up=1)
    assert waiting(session, ada.who) == []


def test_what_the_recipients_side_refused_is_not_tried_again(session: Session, ada: World) -> None:
    assert settled(session, [leased(session, now=NOW)], "refused", now=NOW) == Settled(given_up=1)
    assert waiting(session, ada.who) == []


# --- what must not be sent ------------------------------------------------------------------------------------------


def test_a_dose_that_was_answered_meanwhile_is_not_announced_any_more(session: Session, ada: World) -> None:
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=NOW + SECOND)
    assert leased(session, now=NOW + 2 * SECOND).withhold == "withdrawn"


def test_an_answer_that_was_undone_lets_the_message_go_out_after_all(session: Session, ada: World) -> None:
    dose_id = dose_on(session, ada.reminder_id, NOW.date())["id"]
    answers.answer(session, ada.who, dose_id, status="taken", now=NOW + SECOND)
    answers.undo(session, ada.who, dose_id, now=NOW + 2 * SECOND)
    assert leased(session, now=NOW + 3 * SECOND).withhold is None


def test_a_missed_notice_is_sent_unless_the_dose_was_taken_after_all(session: Session, ada: World) -> None:
    settled(session, [leased(session, now=NOW)], "sent", now=NOW)
    closed_at = dose_on(session, ada.reminder_id, NOW.date())["closes_at"]
    assert sweep(session, now=closed_at).missed == 1

    notice = leased(session, now=closed_at)
    assert (notice.words.title, notice.withhold) == ("Missed dose", None)
    settled(session, [notice], "failed", now=closed_at)

    dose_id = dose_on(session, ada.reminder_id, NOW.date())["id"]
    answers.answer(session, ada.who, dose_id, status="taken", now=closed_at + SECOND)
    assert leased(session, now=closed_at + 2 * SECOND).withhold == "withdrawn"


def test_a_channel_that_was_switched_off_is_not_used(session: Session, ada: World) -> None:
    session.execute(update(Channel).values(is_enabled=False))
    assert leased(session, now=NOW).withhold == "withheld"


def test_a_message_whose_channel_has_gone_is_settled_and_does_not_come_up_for_ever(
    session: Session, ada: World
) -> None:
    session.execute(delete(Channel))
    message = leased(session, now=NOW)
    assert message.withhold == "withdrawn"
    settled(session, [message], message.withhold, now=NOW)
    assert waiting(session, ada.who) == []


# --- an address nobody confirmed ------------------------------------------------------------------------------------


@pytest.fixture
def eve(session: Session) -> World:
    """Eve never confirmed her address. Twelve messages wait for her."""
    who = make_person(session, name="eve", now=NOW)
    make_channel(session, who, address="eve@example.com", is_confirmed=False, now=NOW)
    medicine_id = make_medicine(session, who, now=NOW)
    assert run_low(session, who, medicine_id, times=12, now=NOW) == 12
    return World(who, medicine_id, reminder_id=0)


def counted(messages: Sequence[Message]) -> tuple[int, int]:
    """How many may be sent, and how many not."""
    assert {each.withhold for each in messages} <= {None, "withheld"}
    return sum(not each.withhold for each in messages), sum(bool(each.withhold) for each in messages)


def test_an_unconfirmed_address_gets_ten_messages_a_day(session: Session, eve: World) -> None:
    assert counted(delivery.lease(session, now=NOW)) == (10, 2)


def test_what_was_sent_in_the_last_day_counts_and_what_another_sender_has_in_hand(session: Session, eve: World) -> None:
    settled(session, delivery.lease(session, limit=4, now=NOW), "sent", now=NOW)
    day_after = NOW + timedelta(days=1)
    session.execute(update(OutboxStep).values(expires_at=day_after + timedelta(days=1)))

    assert counted(delivery.lease(session, limit=5, now=day_after - SECOND)) == (5, 0)
    assert counted(delivery.lease(session, limit=2, now=day_after - SECOND)) == (1, 1)


def test_what_was_sent_a_day_ago_counts_no_more(session: Session, eve: World) -> None:
    settled(session, delivery.lease(session, limit=4, now=NOW), "sent", now=NOW)
    day_after = NOW + timedelta(days=1)
    session.execute(update(OutboxStep).values(expires_at=day_after + timedelta(days=1)))
    assert counted(delivery.lease(session, now=day_after)) == (8, 0)


def test_what_failed_does_not_count(session: Session, eve: World) -> None:
    settled(session, delivery.lease(session, limit=10, now=NOW), "failed", now=NOW)
    assert counted(delivery.lease(session, now=NOW + 2 * SECOND)) == (10, 2)


def test_two_senders_at_once_do_not_give_an_unconfirmed_address_ten_each(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        who = make_person(session, name="eve", now=NOW)
        make_channel(session, who, is_confirmed=False, now=NOW)
        run_low(session, who, make_medicine(session, who, now=NOW), times=24, now=NOW)

    batches = all_at_once(committed, lambda session: delivery.lease(session, limit=6, now=NOW), times=4)

    assert counted([message for batch in batches for message in batch]) == (10, 14)


def test_an_unconfirmed_address_is_used_for_three_days(session: Session, eve: World) -> None:
    ends_at = NOW + channels.UNCONFIRMED_FOR
    session.execute(update(OutboxStep).values(expires_at=ends_at + timedelta(days=1)))
    assert counted(delivery.lease(session, limit=1, now=ends_at - INSTANT)) == (1, 0)
    assert counted(delivery.lease(session, limit=1, now=ends_at)) == (0, 1)


def test_a_confirmed_address_has_no_limit_and_is_told_what(session: Session, eve: World) -> None:
    [channel_id] = session.scalars(select(Channel.id))
    assert {each.words.title for each in delivery.lease(session, limit=1, now=NOW)} == {"A message for you"}
    channels.confirm(session, channel_id, now=NOW)
    rest = delivery.lease(session, now=NOW)
    assert counted(rest) == (11, 0)
    assert {each.words.message for each in rest} == {"Metformin is running low (5 tablets left)"}


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def crowd(committed: sessionmaker[Session]) -> int:
    """Two hundred messages wait. Returns Ada's id."""
    with committed.begin() as session:
        who = make_person(session, now=NOW)
        make_channel(session, who, now=NOW)
        run_low(session, who, make_medicine(session, who, now=NOW), times=200, now=NOW)
    return who.person.id


def test_two_senders_at_once_send_each_of_two_hundred_messages_once(
    committed: sessionmaker[Session], crowd: int
) -> None:
    def send_all(_: Session) -> list[int]:
        sent: list[int] = []
        while True:
            with committed.begin() as session:
                messages = delivery.lease(session, limit=7, now=NOW)
            if not messages:
                return sent
            sent += [each.leased.notification_id for each in messages]
            with committed.begin() as session:
                assert settled(session, messages, "sent", now=NOW) == Settled(sent=len(messages))

    one, other = all_at_once(committed, send_all, times=2)

    assert len(one) + len(other) == 200
    assert len({*one, *other}) == 200
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(OutboxStep)) == 0
        assert session.execute(select(func.count(), func.bool_or(Delivery.may_repeat))).one() == (200, False)


def test_a_batch_is_settled_in_one_transaction_or_not_at_all(committed: sessionmaker[Session], crowd: int) -> None:
    with committed.begin() as session:
        messages = delivery.lease(session, limit=20, now=NOW)
    results = [Result(each.leased, "sent") for each in messages]
    with pytest.raises(IntegrityError), committed.begin() as session:
        delivery.settle(session, [*results[:19], Result(messages[19].leased, "no such outcome")], now=NOW)
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 0

    with committed.begin() as session:
        assert delivery.settle(session, results, now=NOW) == Settled(sent=20)
    with committed() as session:
        assert session.scalar(text("SELECT count(DISTINCT xmin::text) FROM deliveries")) == 1
