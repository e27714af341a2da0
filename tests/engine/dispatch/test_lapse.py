"""Close what is over: missed where its person was reminded in time, not reminded where they were not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import answers, lapse, shards
from engine.events.facts import DoseChanged
from engine.notifications.models import Delivery, Notification, OutboxStep
from tests.support.reminders import (
    World,
    bell,
    dose_on,
    doses_of,
    facts,
    give_address,
    make_reminder,
    make_world,
    on_hand,
    outbox,
    revisions,
    standing,
)
from tests.support.sweeps import Swept, sweep, sweep_gaps, wind_back
from tests.support.together import all_at_once

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def told_at_eight(session: Session, **fields: Any) -> World:
    ada = make_world(session, now=EARLY, **fields)
    assert sweep(session, now=riga(8)).told == 1
    return ada


def outcome(session: Session, world: World) -> str | None:
    return standing(session, dose_on(session, world.reminder_id, TODAY)["id"])


# --- missed, once ---------------------------------------------------------------------------------------------------


def test_a_dose_nobody_answered_is_missed_when_its_window_ends_and_not_before(session: Session) -> None:
    ada = told_at_eight(session)
    assert sweep(session, now=riga(11, 59, 59)) == Swept()
    assert sweep(session, now=riga(12)).missed == 1
    (kept,) = revisions(session, dose_on(session, ada.reminder_id, TODAY)["id"])
    assert (kept["status"], kept["revision"], kept["source"], kept["recorded_by"]) == ("missed", 1, "engine", None)
    assert (kept["recorded_at"], kept["amount"], kept["planned_local"]) == (
        riga(12),
        Decimal(1),
        datetime.fromisoformat("2026-11-24T08:00"),
    )
    assert on_hand(session, ada.medicine_id) == 6


def test_a_miss_is_said_once_and_replaces_the_first_telling(session: Session) -> None:
    ada = told_at_eight(session)
    sweep(session, now=riga(12))
    due, missed = bell(session, ada.who)
    assert (due["kind"], due["read_at"]) == ("due", riga(12))
    assert (missed["kind"], missed["read_at"], missed["dose_id"]) == ("missed", None, due["dose_id"])
    wind_back(session, to=EARLY)
    assert sweep(session, now=riga(12, 1)) == Swept()
    assert sweep_gaps(session, ada.who, now=riga(12, 1)) == Swept()
    assert len(bell(session, ada.who)) == 2


def test_a_miss_is_told_outside_the_app_too(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    give_address(session, ada.who, now=EARLY)
    sweep(session, now=riga(8))
    deliver(session, ada, "sent")
    assert sweep(session, now=riga(12)).queued == 1
    (step,) = outbox(session, ada.who)
    assert (step["notification_id"], step["ready_at"]) == (bell(session, ada.who)[-1]["id"], riga(12))


def test_mixed_grace_periods_in_one_shard_close_each_at_its_own_time(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    soon, later = (
        make_reminder(session, ada.who, ada.medicine_id, at=at, grace_minutes=grace, now=EARLY)
        for at, grace in (("08:30", 1), ("08:10", 60))
    )
    for instant in (riga(8), riga(8, 10), riga(8, 30)):
        sweep(session, now=instant)
    closed = [[each["status"] for each in revisions(session, dose_id)] for dose_id in _ids(session, ada, soon, later)]
    assert closed == [[], [], []]
    for instant, expected in (
        (riga(8, 31), [[], ["missed"], []]),
        (riga(9, 10), [[], ["missed"], ["missed"]]),
        (riga(12), [["missed"], ["missed"], ["missed"]]),
    ):
        assert sweep(session, now=instant).missed == 1
        ids = _ids(session, ada, soon, later)
        assert [[each["status"] for each in revisions(session, dose_id)] for dose_id in ids] == expected


def _ids(session: Session, world: World, *others: int) -> list[int]:
    return [dose_on(session, reminder_id, TODAY)["id"] for reminder_id in (world.reminder_id, *others)]


def test_a_full_batch_goes_on_where_it_ended(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    for _ in range(4):
        make_reminder(session, ada.who, ada.medicine_id, at="08:00", now=EARLY)
    sweep(session, now=riga(8))
    seen = []
    for _ in range(4):
        lease = shards.lease(session, ada.who.person.shard)
        assert lease is not None
        seen.append(lapse.lapse(session, lease, now=riga(12), limit=2).missed)
    assert seen == [2, 2, 1, 0]


@pytest.mark.parametrize("status", ["taken", "skipped"])
def test_an_answered_dose_is_not_closed_again(session: Session, status: str) -> None:
    ada = told_at_eight(session)
    answers.answer(session, ada.who, ada.reminder_id, status=status, now=riga(9))
    assert sweep(session, now=riga(12)) == Swept()
    assert outcome(session, ada) == status
    assert [row["kind"] for row in bell(session, ada.who)] == ["due"]


def test_an_answer_undone_in_the_window_leaves_a_dose_that_can_be_missed(session: Session) -> None:
    ada = told_at_eight(session)
    answers.answer(session, ada.who, ada.reminder_id, status="taken", now=riga(9))
    answers.undo(session, ada.who, ada.reminder_id, now=riga(10))
    assert sweep(session, now=riga(12)).missed == 1
    kept = revisions(session, dose_on(session, ada.reminder_id, TODAY)["id"])
    assert [(each["revision"], each["status"]) for each in kept] == [(1, "taken"), (2, "open"), (3, "missed")]
    assert [each["superseded_at"] for each in kept] == [riga(10), riga(12), None]


def test_a_window_that_ended_behind_the_cursor_is_found_by_the_gap_sweep(session: Session) -> None:
    ada = told_at_eight(session)
    wind_back(session, to=riga(12, 0, 1))
    assert sweep(session, now=riga(12, 0, 2)) == Swept()
    assert sweep_gaps(session, ada.who, now=riga(12, 0, 30)).missed == 1
    assert sweep_gaps(session, ada.who, now=riga(12, 1)) == Swept()


def test_twenty_closings_at_once_miss_a_dose_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = told_at_eight(session)
    ways = iter([True, False] * 10)

    def close(session: Session) -> int:
        swept = sweep(session, now=riga(12)) if next(ways) else sweep_gaps(session, ada.who, now=riga(12))
        return swept.missed

    got: list[Any] = all_at_once(committed, close, times=20)
    with committed() as session:
        assert [row["kind"] for row in bell(session, ada.who)] == ["due", "missed"]
        assert outcome(session, ada) == "missed"
        assert len(facts(session, ada.who)) == 1
    assert sum(got) == 1


def test_the_fact_written_in_sql_is_spelt_as_facts_are(session: Session) -> None:
    session.execute(text("SET LOCAL TIME ZONE 'UTC'"))  # as every connection of ours does
    ada = told_at_eight(session)
    sweep(session, now=riga(12))
    dose = dose_on(session, ada.reminder_id, TODAY)
    fact = DoseChanged(
        user_id=ada.who.person.id,
        occurred_at=dose["closes_at"],
        dose_id=dose["id"],
        reminder_id=ada.reminder_id,
        medicine_id=ada.medicine_id,
        status="missed",
        revision=1,
        due_at=dose["due_at"],
    )
    assert facts(session, ada.who) == [fact.payload()]


# --- were we awake? -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("told_at", "closed_as"), [(riga(8, 5), "missed"), (riga(8, 5, 1), "not_reminded")])
def test_a_dose_told_more_than_five_minutes_late_is_not_missed(
    session: Session, told_at: datetime, closed_as: str
) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=told_at)
    sweep(session, now=riga(12))
    assert outcome(session, ada) == closed_as


def test_a_dose_that_was_never_told_is_not_missed_and_says_nothing(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    assert sweep(session, now=riga(12)).not_reminded == 1
    assert outcome(session, ada) == "not_reminded"
    assert bell(session, ada.who) == []
    assert [fact["status"] for fact in facts(session, ada.who)] == ["not_reminded"]


def test_a_dose_with_a_short_window_must_be_told_within_it(session: Session) -> None:
    ada = make_world(session, grace_minutes=1, now=EARLY)
    sweep(session, now=riga(8))
    told = Notification.user_id == ada.who.person.id
    session.execute(Notification.__table__.update().where(told).values(created_at=riga(8, 1, 1)))
    assert sweep(session, now=riga(8, 2)).not_reminded == 1


def test_a_dose_born_with_its_window_open_is_told_but_never_missed(session: Session) -> None:
    ada = make_world(session, at="08:00", now=riga(8, 0, 1))
    assert len(bell(session, ada.who)) == 1
    assert sweep(session, now=riga(12)).not_reminded == 1


def test_a_dose_saved_a_second_before_its_instant_can_be_missed(session: Session) -> None:
    make_world(session, at="08:00", now=riga(7, 59, 59))
    assert sweep(session, now=riga(12)).missed == 1


# --- could we reach them? -------------------------------------------------------------------------------------------


def deliver(session: Session, world: World, *results: str, keep: bool = False) -> None:
    """What became of the tries to send the first message that waits; `keep`: it is still being tried."""
    step = outbox(session, world.who)[0]
    for number, result in enumerate(results):
        values = {
            "recorded_at": riga(8) + timedelta(seconds=number),
            "notification_id": step["notification_id"],
            "channel_id": step["channel_id"],
            "step": 0,
            "fence": number + 1,
            "user_id": world.who.person.id,
            "outcome": result,
            "may_repeat": False,
        }
        session.execute(insert(Delivery), values)
    if not keep:
        done = OutboxStep.channel_id == step["channel_id"]
        session.execute(delete(OutboxStep).where(done))


@pytest.mark.parametrize(
    ("results", "keep", "closed_as"),
    [
        (["sent"], False, "missed"),
        (["refused"], False, "missed"),  # the recipient's side said no: not our failure
        (["withheld"], False, "missed"),  # an address nobody confirmed has had its ten today
        (["failed"], False, "not_reminded"),
        (["expired"], False, "not_reminded"),
        ([], True, "not_reminded"),  # still not sent when the window ends
        (["failed", "sent"], False, "missed"),
    ],
)
def test_a_failure_of_ours_that_lasts_through_the_window_excuses_the_person(
    session: Session, results: list[str], keep: bool, closed_as: str
) -> None:
    ada = make_world(session, now=EARLY)
    give_address(session, ada.who, now=EARLY)
    sweep(session, now=riga(8))
    deliver(session, ada, *results, keep=keep)
    sweep(session, now=riga(12))
    assert outcome(session, ada) == closed_as


@pytest.mark.parametrize(("first", "closed_as"), [("sent", "missed"), ("refused", "not_reminded")])
def test_while_one_address_fails_another_that_was_reached_is_enough_but_a_refusal_is_not(
    session: Session, first: str, closed_as: str
) -> None:
    ada = make_world(session, now=EARLY)
    for _ in range(2):
        give_address(session, ada.who, now=EARLY)
    assert sweep(session, now=riga(8)).queued == 2
    deliver(session, ada, first)
    assert len(outbox(session, ada.who)) == 1  # the other is still being tried when the window ends
    sweep(session, now=riga(12))
    assert outcome(session, ada) == closed_as


def test_an_outage_over_night_closes_each_dose_as_not_reminded_and_tells_what_is_still_open(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    evening = make_reminder(session, ada.who, ada.medicine_id, at="20:00", now=EARLY)
    back = sweep(session, now=riga(21))
    assert (back.told, back.missed, back.not_reminded) == (1, 0, 1)
    assert bell(session, ada.who)[0]["subject_id"] == evening
    assert sweep(session, now=riga(0, day=25)).not_reminded == 1  # told an hour late
    assert len(doses_of(session, evening)) == 3
