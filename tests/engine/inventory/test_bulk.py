"""Many doses at once are what one after the other would have been: same entries, same balances, same facts."""

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.errors import EngineError, Invalid, NotFound
from engine.events.facts import StockChanged
from engine.events.log import take_untold
from engine.inventory import bulk, ledger
from engine.inventory.bulk import Consumption, Posted
from engine.notifications import planning
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.reminders import bell, entries, facts, on_hand
from tests.support.together import all_at_once
from tests.support.worlds import rolled_back

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 08:00 in Riga
LATER = MORNING + timedelta(minutes=5)
TODAY = date(2026, 11, 24)


def taken(
    who: Who,
    medicine_id: int,
    amount: Decimal | str,
    *,
    log_id: int,
    at: datetime = MORNING,
    dose_id: int | None = None,
) -> Consumption:
    return Consumption(log_id, who.person.id, medicine_id, Decimal(amount), dose_id, at, who.actor_id, TODAY)


def post_one(session: Session, each: Consumption) -> ledger.Posted:
    """The oracle: as a single answer posts it."""
    return ledger.post(
        session,
        each.user_id,
        each.medicine_id,
        change=-each.amount,
        change_type="consumed",
        dose_id=each.dose_id,
        log_id=each.log_id,
        notes="Dose taken",
        occurred_at=each.occurred_at,
        recorded_by=each.recorded_by,
        local_date=each.local_date,
        now=LATER,
    )


def post_all(session: Session, consumed: Sequence[Consumption]) -> Posted:
    return bulk.post(session, consumed, notes="Dose taken", now=LATER)


# --- laws -----------------------------------------------------------------------------------------------------------

Shelf = list[tuple[Decimal, Decimal]]  # of each medicine what there is, and from where down it is low
Sip = tuple[int, int, Decimal]  # outcome, place of the medicine on the shelf, amount

AMOUNTS = st.decimals("0", "9", places=4)  # finer than what is kept
SHELVES = st.lists(
    st.tuples(st.decimals("0", "30", places=3), st.decimals("0", "10", places=3)), min_size=3, max_size=3
)
SIPS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 2), AMOUNTS), max_size=16).map(
    lambda sips: [(log_id, log_id % 3, amount) for log_id, _, amount in sips]  # an outcome has one medicine
)


def stocked(session: Session, shelf: Shelf) -> tuple[Who, list[int]]:
    """Ada and her medicines."""
    ada = make_person(session, now=MORNING)
    medicine_ids = [
        make_medicine(session, ada, name=f"M{place}", stock=stock, alert=alert, now=MORNING)
        for place, (stock, alert) in enumerate(shelf)
    ]
    take_untold(session)
    return ada, medicine_ids


def consumed_by(who: Who, medicine_ids: list[int], sips: list[Sip]) -> list[Consumption]:
    return [
        taken(who, medicine_ids[place], amount, log_id=log_id, at=MORNING + timedelta(seconds=number), dose_id=log_id)
        for number, (log_id, place, amount) in enumerate(sips)
    ]


def seen(session: Session, who: Who, medicine_ids: list[int]) -> dict[str, Any]:
    """Everything that came of it, in words that do not depend on which numbers the database gave out."""
    places = {medicine_id: place for place, medicine_id in enumerate(medicine_ids)}
    rows = [dict(row) for medicine_id in medicine_ids for row in entries(session, medicine_id)]
    seqs = {row["id"]: row["seq"] for row in rows}
    for row in rows:
        row |= {"id": None, "medicine_id": places[row["medicine_id"]], "user_id": None}
        row["recorded_by"] = row["recorded_by"] == who.actor_id
    told = [
        fact | {"medicine_id": places[fact["medicine_id"]], "entry_id": seqs.get(fact.get("entry_id", 0))}
        for kind in ("stock", "stock_low")
        for fact in facts(session, who, kind)
    ]
    low = [
        (places[each.medicine_id], each.entry_seq, each.on_hand)
        for each in take_untold(session)
        if hasattr(each, "on_hand")
    ]
    return {
        "entries": rows,
        "balances": [on_hand(session, medicine_id) for medicine_id in medicine_ids],
        "facts": sorted(told, key=lambda fact: (fact["medicine_id"], str(fact))),
        "low": sorted(low),
    }


@settings(deadline=None, max_examples=60)
@given(shelf=SHELVES, sips=SIPS, cuts=st.lists(st.integers(0, 16), max_size=2))
def test_posted_together_is_posted_one_after_the_other(
    db_engine: Engine, shelf: Shelf, sips: list[Sip], cuts: list[int]
) -> None:
    with rolled_back(db_engine) as session:
        ada, medicine_ids = stocked(session, shelf)
        for each in consumed_by(ada, medicine_ids, sips):
            post_one(session, each)
        one_by_one = seen(session, ada, medicine_ids)
    with rolled_back(db_engine) as session:
        ada, medicine_ids = stocked(session, shelf)
        consumed, bounds = consumed_by(ada, medicine_ids, sips), [0, *sorted(cuts), len(sips)]
        for first, last in itertools.pairwise(bounds):
            post_all(session, consumed[first:last])
        assert seen(session, ada, medicine_ids) == one_by_one


@settings(deadline=None, max_examples=30)
@given(shelf=SHELVES, sips=SIPS, again=st.randoms())
def test_whatever_is_posted_again_changes_nothing(db_engine: Engine, shelf: Shelf, sips: list[Sip], again: Any) -> None:
    with rolled_back(db_engine) as session:
        ada, medicine_ids = stocked(session, shelf)
        consumed = consumed_by(ada, medicine_ids, sips)
        first = post_all(session, consumed)
        before = seen(session, ada, medicine_ids)
        replayed = [each for each in consumed if again.random() < 0.7]
        again.shuffle(replayed)
        assert post_all(session, replayed) == Posted(entries=0, before=len(replayed), low=0)
        assert first.entries == len({each.log_id for each in consumed})
        assert seen(session, ada, medicine_ids) == before | {"low": []}


# --- examples -------------------------------------------------------------------------------------------------------


def test_the_morning_of_two_medicines_is_posted_in_its_order(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    aspirin, biotin = (make_medicine(session, ada, name=name, stock=3, alert=0, now=MORNING) for name in "AB")
    consumed = [
        taken(ada, biotin, "1", log_id=3),
        taken(ada, aspirin, "2", log_id=1),
        taken(ada, aspirin, "1.5", log_id=2),
    ]
    assert post_all(session, consumed) == Posted(entries=3, before=0, low=1)
    assert [
        (row["log_id"], row["seq"], row["new_stock"], row["shortfall"]) for row in entries(session, aspirin)[1:]
    ] == [
        (1, 2, Decimal(1), 0),
        (2, 3, Decimal(0), Decimal("0.5")),
    ]
    assert on_hand(session, biotin) == 2


def test_nothing_is_nothing(session: Session) -> None:
    assert bulk.post(session, [], now=MORNING) == Posted()


def test_an_outcome_given_twice_counts_where_it_comes_first(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=10, now=MORNING)
    once = taken(ada, medicine_id, "1", log_id=7)
    assert post_all(session, [once, taken(ada, medicine_id, "4", log_id=7), once]) == Posted(entries=1, before=2)
    assert on_hand(session, medicine_id) == 9


def test_what_was_posted_singly_is_not_posted_again(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=10, now=MORNING)
    post_one(session, taken(ada, medicine_id, "1", log_id=7))
    assert post_all(session, [taken(ada, medicine_id, "1", log_id=each) for each in (7, 8)]) == Posted(1, before=1)
    assert on_hand(session, medicine_id) == 8
    assert not post_one(session, taken(ada, medicine_id, "1", log_id=8)).was_posted


def test_the_fact_of_an_entry_is_the_fact_that_the_ledger_appends(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock="2.5", now=MORNING)
    post_all(session, [taken(ada, medicine_id, "3", log_id=7, dose_id=70)])
    last = entries(session, medicine_id)[-1]
    fact = StockChanged(
        user_id=ada.person.id,
        occurred_at=MORNING,
        medicine_id=medicine_id,
        entry_id=last["id"],
        change_amount=Decimal("-2.5"),
        new_stock=Decimal(0),
        change_type="consumed",
        dose_id=70,
        shortfall=Decimal("0.5"),
    )
    assert facts(session, ada, "stock")[-1] == fact.payload()


def test_a_medicine_that_runs_low_is_told_once_whatever_follows(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=7, alert=5, now=MORNING)
    take_untold(session)
    post_all(session, [taken(ada, medicine_id, "1", log_id=each) for each in (1, 2, 3)])
    post_all(session, [taken(ada, medicine_id, "1", log_id=4)])
    assert planning.tell(session, now=LATER) == 1
    assert [(row["kind"], row["data"]) for row in bell(session, ada)] == [("low_stock", {"on_hand": 5.0})]


def test_a_strangers_medicine_does_not_exist_and_nothing_is_posted(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    hers, his = make_medicine(session, ada, stock=3, now=MORNING), make_medicine(session, bob, stock=3, now=MORNING)
    with pytest.raises(NotFound):
        post_all(session, [taken(ada, hers, "1", log_id=1), taken(ada, his, "1", log_id=2)])
    assert (on_hand(session, hers), on_hand(session, his)) == (3, 3)


@pytest.mark.parametrize(("amount", "refusal"), [("-1", ValueError), ("NaN", Invalid), ("Infinity", Invalid)])
def test_what_is_not_taken_is_not_posted_here(session: Session, amount: str, refusal: type[Exception]) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=3, now=MORNING)
    with pytest.raises(refusal):
        post_all(session, [taken(ada, medicine_id, amount, log_id=1)])
    assert on_hand(session, medicine_id) == 3


# --- races ----------------------------------------------------------------------------------------------------------


def test_twenty_times_at_once_is_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        shelf = [make_medicine(session, ada, name=f"M{place}", stock=30, now=MORNING) for place in range(4)]
    consumed = [taken(ada, medicine_id, "1", log_id=10 + place) for place, medicine_id in enumerate(shelf * 3)]
    posted = all_at_once(committed, lambda session: post_all(session, consumed))
    assert sorted(each.entries for each in posted if isinstance(each, Posted)) == [0] * 19 + [12]
    with committed() as session:
        assert [on_hand(session, medicine_id) for medicine_id in shelf] == [27] * 4
        assert len(facts(session, ada, "stock")) == 4 + 12


def test_many_orders_and_single_answers_at_once_wait_for_each_other_and_lose_nothing(
    committed: sessionmaker[Session],
) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        shelf = [make_medicine(session, ada, name=f"M{place}", stock=30, now=MORNING) for place in range(5)]
    numbers = iter(range(20))

    def answer(session: Session) -> object:
        number = next(numbers)
        order = shelf[number % 5 :] + shelf[: number % 5]
        mine = [taken(ada, each, "1", log_id=100 * number + place) for place, each in enumerate(order)]
        return post_one(session, mine[0]) if number % 4 == 3 else post_all(session, mine)

    assert not [each for each in all_at_once(committed, answer) if isinstance(each, EngineError)]
    with committed() as session:
        for medicine_id in shelf:
            found = entries(session, medicine_id)
            assert [row["seq"] for row in found] == list(range(1, 1 + len(found)))
            assert on_hand(session, medicine_id) == found[-1]["new_stock"]
        assert sum(30 - on_hand(session, medicine_id) for medicine_id in shelf) == 15 * 5 + 5
