"""The same request again gets the first answer."""

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.errors import EngineError, Invalid
from engine.requests.replay import once
from tests.support.people import make_person
from tests.support.together import all_at_once

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DOUBLE_CLICK = timedelta(seconds=5)


class Effect:
    """Counts how often it happened, and answers with the count."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def __call__(self) -> Mapping[str, Any]:
        with self._lock:
            self.times += 1
            return {"times": self.times}


def send(
    session: Session,
    who: Who,
    effect: Effect,
    *,
    key: str = "k",
    fingerprint: str = "f",
    within: timedelta | None = None,
    now: datetime = NOW,
) -> dict[str, Any]:
    return once(session, who, key=key, fingerprint=fingerprint, within=within, now=now, call=effect)


def test_the_same_key_again_gets_the_first_answer(session: Session) -> None:
    ada, effect = make_person(session, now=NOW), Effect()
    assert send(session, ada, effect) == send(session, ada, effect, now=NOW + timedelta(days=1)) == {"times": 1}
    assert effect.times == 1


def test_another_key_is_another_request(session: Session) -> None:
    ada, effect = make_person(session, now=NOW), Effect()
    assert send(session, ada, effect) != send(session, ada, effect, key="other")


def test_anothers_key_is_another_request(session: Session) -> None:
    ada, bob, effect = make_person(session, now=NOW), make_person(session, name="bob", now=NOW), Effect()
    assert send(session, ada, effect) != send(session, bob, effect)


def test_a_used_key_for_another_request_is_refused(session: Session) -> None:
    ada, effect = make_person(session, now=NOW), Effect()
    send(session, ada, effect)
    with pytest.raises(Invalid) as refused:
        send(session, ada, effect, fingerprint="other")
    assert refused.value.code == "idempotency_key_reused"
    assert effect.times == 1


@pytest.mark.parametrize(("seconds", "times"), [(0, 1), (5, 1), (5.001, 2)])
def test_a_double_click_is_one_request_for_five_seconds(session: Session, seconds: float, times: int) -> None:
    ada, effect = make_person(session, now=NOW), Effect()
    send(session, ada, effect, within=DOUBLE_CLICK)
    later = NOW + timedelta(seconds=seconds)
    assert send(session, ada, effect, within=DOUBLE_CLICK, now=later) == {"times": times}
    assert effect.times == times


def test_both_answers_are_made_of_the_same_json_values(session: Session) -> None:
    ada = make_person(session, now=NOW)
    answer = {
        "at": NOW,
        "on": date(2026, 11, 24),
        "stock": Decimal("0.5"),
        "lines": [{"amount": Decimal(1)}],
        "none": None,
    }

    def send_it() -> dict[str, Any]:
        return once(session, ada, key="k", fingerprint="f", within=None, now=NOW, call=lambda: answer)

    first, again = send_it(), send_it()
    assert first == again
    assert first["at"] == "2026-11-24T06:00:00+00:00"
    assert (first["stock"], first["lines"]) == (0.5, [{"amount": 1.0}])


def test_what_failed_is_not_an_answer(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=NOW)

    def fail() -> Mapping[str, Any]:
        raise Invalid("no", "No.")

    def try_and_fail() -> None:
        with committed.begin() as session:
            once(session, ada, key="k", fingerprint="f", within=None, now=NOW, call=fail)

    with pytest.raises(Invalid):
        try_and_fail()
    with committed.begin() as session:
        assert send(session, ada, Effect()) == {"times": 1}


@pytest.mark.parametrize("within", [None, DOUBLE_CLICK])
def test_twenty_at_once_are_one_effect(committed: sessionmaker[Session], within: timedelta | None) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=NOW)
        if within:  # a click long ago: its time has run out, and one of the twenty takes over
            send(session, ada, Effect(), within=within, now=NOW - timedelta(hours=1))
    effect = Effect()
    answers = all_at_once(committed, lambda session: send(session, ada, effect, within=within))
    assert not [answer for answer in answers if isinstance(answer, EngineError)]
    assert effect.times == 1
