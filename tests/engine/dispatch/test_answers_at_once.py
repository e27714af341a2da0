"""Twice is once: two taps, two tabs, two workers. Real commits, many connections, one start."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import answers
from engine.errors import Conflict, EngineError
from engine.notifications import planning
from tests.support.reminders import (
    World,
    bell,
    dose_on,
    doses_of,
    entries,
    facts,
    make_world,
    on_hand,
    revisions,
    standing,
)
from tests.support.sweeps import sweep
from tests.support.together import all_at_once

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


@pytest.fixture
def ada(committed: sessionmaker[Session]) -> World:
    """Six tablets, alert at five, told of the dose at eight."""
    with committed.begin() as session:
        world = make_world(session, stock=6, now=EARLY)
    with committed.begin() as session:
        sweep(session, now=riga(8))
    return world


def answering(world: World, status: str, now: datetime) -> Callable[[Session], str]:
    def answer(session: Session) -> str:
        found = answers.answer(session, world.who, world.reminder_id, status=status, now=now)
        planning.tell(session, now=now)
        return str(found["status"])

    return answer


def outcome(got: Any) -> str:
    return got.code if isinstance(got, EngineError) else str(got)


def test_twenty_parallel_takes_are_one_outcome_one_entry_and_one_low_stock_notice(
    committed: sessionmaker[Session], ada: World
) -> None:
    got = all_at_once(committed, answering(ada, "taken", riga(8, 1)), times=20)
    assert Counter(map(outcome, got)) == {"taken": 20}
    with committed() as session:
        dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
        assert [each["status"] for each in revisions(session, dose_id)] == ["taken"]
        assert [entry["dose_id"] for entry in entries(session, ada.medicine_id)] == [None, dose_id]
        assert on_hand(session, ada.medicine_id) == 5
        assert len(facts(session, ada.who, "stock_low")) == 1
        assert [row["kind"] for row in bell(session, ada.who)] == ["due", "low_stock"]
        assert [fact["status"] for fact in facts(session, ada.who)] == ["taken"]


def test_taking_and_skipping_at_once_leaves_one_of_them_and_tells_the_other(
    committed: sessionmaker[Session], ada: World
) -> None:
    said = iter(["taken", "skipped"] * 10)

    def answer(session: Session) -> str:
        return answering(ada, next(said), riga(8, 1))(session)

    got = all_at_once(committed, answer, times=20)
    with committed() as session:
        dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
        # whoever was first: a skip may be corrected to a take, a take never to a skip
        assert standing(session, dose_id) == "taken"
        assert [each["status"] for each in revisions(session, dose_id)] in (["taken"], ["skipped", "taken"])
        assert on_hand(session, ada.medicine_id) == 5
    assert set(map(outcome, got)) <= {"taken", "skipped", "dose_taken"}
    assert Counter(map(outcome, got))["taken"] == 10


def test_twenty_parallel_undos_reverse_one_entry(committed: sessionmaker[Session], ada: World) -> None:
    with committed.begin() as session:
        answering(ada, "taken", riga(8, 1))(session)

    def undo(session: Session) -> str:
        return str(answers.undo(session, ada.who, ada.reminder_id, now=riga(8, 2))["status"])

    got = all_at_once(committed, undo, times=20)
    assert Counter(map(outcome, got)) == {"due": 20}
    with committed() as session:
        dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
        assert [each["status"] for each in revisions(session, dose_id)] == ["taken", "open"]
        assert [entry["change_amount"] for entry in entries(session, ada.medicine_id)] == [6, -1, 1]


def test_an_answer_racing_the_closing_sweep_is_kept_and_counted_once(
    committed: sessionmaker[Session], ada: World
) -> None:
    takes = iter([True, False] * 8)

    def race(session: Session) -> str:
        if next(takes):
            return answering(ada, "taken", riga(12))(session)
        return f"{sweep(session, now=riga(12)).missed} missed"

    got = all_at_once(committed, race, times=8)
    with committed() as session:
        dose_id = dose_on(session, ada.reminder_id, TODAY)["id"]
        assert standing(session, dose_id) == "taken"
        assert on_hand(session, ada.medicine_id) == 5
        assert len([each for each in revisions(session, dose_id) if each["status"] == "taken"]) == 1
    assert Counter(map(outcome, got))["taken"] == 4


def test_of_many_snoozes_at_once_one_wakes(committed: sessionmaker[Session], ada: World) -> None:
    minutes = iter(range(10, 20))

    def later(session: Session) -> datetime:
        until: datetime = answers.snooze(session, ada.who, ada.reminder_id, minutes=next(minutes), now=riga(8, 1))[
            "snoozed_until"
        ]
        return until

    got = all_at_once(committed, later, times=10)
    assert all(isinstance(each, datetime) for each in got)
    with committed.begin() as session:
        assert sweep(session, now=riga(8, 30)).woken == 1
        assert sweep(session, now=riga(8, 31)).woken == 0


def test_the_same_snooze_twice_at_once_is_one(committed: sessionmaker[Session], ada: World) -> None:
    def later(session: Session) -> str:
        return str(answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))["status"])

    assert all_at_once(committed, later, times=8) == ["due"] * 8
    with committed.begin() as session:
        assert sweep(session, now=riga(8, 11)).woken == 1


def test_snoozing_and_taking_at_once_ends_as_taken_in_the_bell_too(
    committed: sessionmaker[Session], ada: World
) -> None:
    takes = iter([True, False] * 8)

    def race(session: Session) -> str:
        if next(takes):
            return answering(ada, "taken", riga(8, 1))(session)
        return str(answers.snooze(session, ada.who, ada.reminder_id, now=riga(8, 1))["status"])

    got = all_at_once(committed, race, times=16)
    assert {outcome(each) for each in got} <= {"taken", "due", "dose_closed"}
    assert not [each for each in got if isinstance(each, EngineError) and not isinstance(each, Conflict)]
    with committed.begin() as session:
        assert bell(session, ada.who)[0]["action_taken"] == "taken"
        assert sweep(session, now=riga(8, 11)).woken == 0
        assert doses_of(session, ada.reminder_id)
