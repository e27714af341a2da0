"""The ledger's promises, one sentence each."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.errors import Conflict, EngineError, Invalid, NotFound
from engine.events.facts import StockChanged, StockLow
from engine.events.log import take_untold
from engine.inventory import ledger
from engine.inventory.models import StockAccount, StockEntry
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.together import all_at_once

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 08:00 in Riga
TODAY = date(2026, 11, 24)


def take(
    session: Session, who: Who, medicine_id: int, amount: str, *, log_id: int | None = None, now: datetime = MORNING
) -> ledger.Posted:
    return ledger.post(
        session,
        who.person.id,
        medicine_id,
        change=-Decimal(amount),
        change_type="consumed",
        log_id=log_id,
        occurred_at=now,
        recorded_by=who.actor_id,
        local_date=TODAY,
        now=now,
    )


def undo(session: Session, who: Who, log_id: int) -> ledger.Posted | None:
    return ledger.reverse(session, log_id, recorded_by=who.actor_id, local_date=TODAY, now=MORNING)


def entries(session: Session, medicine_id: int) -> list[StockEntry]:
    statement = select(StockEntry).where(StockEntry.medicine_id == medicine_id).order_by(StockEntry.seq)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


def balance(session: Session, medicine_id: int) -> Decimal:
    statement = select(StockAccount.on_hand).where(StockAccount.medicine_id == medicine_id)
    return session.execute(statement).scalar_one()


def test_what_a_medicine_starts_with_is_its_first_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock="12.5", now=MORNING)
    (first,) = entries(session, medicine_id)
    assert (first.seq, first.change_type, first.change_amount) == (1, "added", Decimal("12.500"))
    assert (first.previous_stock, first.new_stock, first.notes) == (Decimal(0), Decimal("12.500"), "Initial stock")


def test_a_medicine_that_starts_with_nothing_has_no_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    assert entries(session, make_medicine(session, ada, stock=0, now=MORNING)) == []


def test_a_dose_within_the_stock_is_taken_from_it(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    posted = take(session, ada, medicine_id, "0.5", log_id=1)
    assert posted.new_stock == Decimal("29.500")
    assert posted.shortfall == 0
    assert posted.was_posted
    assert balance(session, medicine_id) == Decimal("29.500")


def test_a_dose_beyond_the_stock_is_recorded_with_its_shortfall(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=1, now=MORNING)
    posted = take(session, ada, medicine_id, "2.5", log_id=1)
    assert (posted.new_stock, posted.shortfall) == (Decimal(0), Decimal("1.500"))
    assert entries(session, medicine_id)[-1].change_amount == Decimal("-1.000")


def test_a_dose_from_an_empty_box_still_leaves_an_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=0, now=MORNING)
    posted = take(session, ada, medicine_id, "1", log_id=1)
    assert (posted.new_stock, posted.shortfall, posted.was_posted) == (Decimal(0), Decimal(1), True)


def test_the_same_outcome_posted_again_is_the_same_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    first = take(session, ada, medicine_id, "1", log_id=7)
    take(session, ada, medicine_id, "1", log_id=8)
    again = take(session, ada, medicine_id, "1", log_id=7)
    assert (again.entry_id, again.new_stock, again.was_posted) == (first.entry_id, Decimal(29), False)
    assert balance(session, medicine_id) == 28


def test_undoing_posts_the_exact_opposite_once(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    taken = take(session, ada, medicine_id, "1", log_id=7)
    first, again = undo(session, ada, 7), undo(session, ada, 7)
    assert first is not None
    assert again is not None
    assert (first.was_posted, again.was_posted) == (True, False)
    last = entries(session, medicine_id)[-1]
    assert (last.reverses_id, last.change_amount, last.new_stock) == (taken.entry_id, Decimal(1), Decimal(30))


def test_undoing_a_dose_with_a_shortfall_gives_back_only_what_was_there(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=1, now=MORNING)
    take(session, ada, medicine_id, "2", log_id=7)
    undo(session, ada, 7)
    assert balance(session, medicine_id) == 1


def test_undoing_what_took_nothing_from_the_stock_posts_nothing(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    assert undo(session, ada, 7) is None


def test_taken_again_after_an_undo_is_a_new_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    take(session, ada, medicine_id, "1", log_id=7)
    undo(session, ada, 7)
    take(session, ada, medicine_id, "1", log_id=9)
    assert [entry.new_stock for entry in entries(session, medicine_id)] == [30, 29, 30, 29]


def test_falling_to_the_alert_level_is_told_once_per_crossing(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=7, alert=5, now=MORNING)
    take_untold(session)
    told = []
    for log_id, change in enumerate(["1", "1", "1"]):
        take(session, ada, medicine_id, change, log_id=log_id)
        told.append([type(fact) for fact in take_untold(session)])
    assert told == [[StockChanged], [StockChanged, StockLow], [StockChanged]]
    ledger.adjust(session, ada, medicine_id, adjustment=Decimal(10), reason=None, now=MORNING)
    take_untold(session)
    take(session, ada, medicine_id, "9", log_id=4)
    low = take_untold(session)[-1]
    assert isinstance(low, StockLow)
    assert (low.on_hand, low.entry_seq, low.local_date) == (Decimal(5), 6, TODAY)


def test_a_replayed_outcome_tells_nothing_twice(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=6, alert=5, now=MORNING)
    take(session, ada, medicine_id, "1", log_id=7)
    take_untold(session)
    take(session, ada, medicine_id, "1", log_id=7)
    assert take_untold(session) == []


def test_an_alert_level_of_nothing_warns_of_an_empty_box(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=1, alert=0, now=MORNING)
    take_untold(session)
    take(session, ada, medicine_id, "1", log_id=7)
    assert [type(fact) for fact in take_untold(session)] == [StockChanged, StockLow]


def test_more_than_there_is_cannot_be_removed_by_hand(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock="2.5", now=MORNING)
    with pytest.raises(Conflict) as refused:
        ledger.adjust(session, ada, medicine_id, adjustment=Decimal(-3), reason=None, now=MORNING)
    assert refused.value.code == "not_enough_stock"
    assert "only 2.5 left" in refused.value.detail
    assert balance(session, medicine_id) == Decimal("2.500")


@pytest.mark.parametrize(
    ("adjustment", "change_type", "notes", "left"),
    [("10", "added", "Stock added - manual", 12), ("-2", "consumed", "Stock removed - manual", 0)],
)
def test_an_adjustment_by_hand_says_which_way_it_went(
    session: Session, adjustment: str, change_type: str, notes: str, left: int
) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=2, now=MORNING)
    posted = ledger.adjust(session, ada, medicine_id, adjustment=Decimal(adjustment), reason=None, now=MORNING)
    last = entries(session, medicine_id)[-1]
    assert (last.change_type, last.notes, posted.new_stock) == (change_type, notes, Decimal(left))


def test_a_count_is_posted_as_the_difference(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    ledger.count(session, ada, medicine_id, counted=Decimal(27), now=MORNING)
    last = entries(session, medicine_id)[-1]
    assert (last.change_type, last.change_amount, last.new_stock) == ("adjusted", Decimal(-3), Decimal(27))


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_is_no_number_is_refused_in_words(session: Session, amount: str) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    with pytest.raises(Invalid):
        ledger.adjust(session, ada, medicine_id, adjustment=Decimal(amount), reason=None, now=MORNING)


def test_more_than_the_column_holds_is_refused_in_words(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock="999999999.999", now=MORNING)
    with pytest.raises(Invalid) as refused:
        ledger.adjust(session, ada, medicine_id, adjustment=Decimal(1), reason=None, now=MORNING)
    assert refused.value.code == "stock_too_large"


def test_an_absurd_dose_is_still_recorded(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, stock=3, now=MORNING)
    posted = take(session, ada, medicine_id, "999999999999999", log_id=1)
    assert (posted.new_stock, posted.shortfall) == (Decimal(0), ledger.STOCK_MAX - 3)


@pytest.mark.parametrize("act", ["post", "adjust", "count"])
def test_a_strangers_stock_does_not_exist(session: Session, act: str) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    acts: dict[str, Any] = {
        "post": lambda: take(session, bob, medicine_id, "1"),
        "adjust": lambda: ledger.adjust(session, bob, medicine_id, adjustment=Decimal(1), reason=None, now=MORNING),
        "count": lambda: ledger.count(session, bob, medicine_id, counted=Decimal(1), now=MORNING),
    }
    with pytest.raises(NotFound):
        acts[act]()
    assert balance(session, medicine_id) == 30


def test_twenty_posts_of_one_outcome_at_once_are_one_entry(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
    posted = [
        found
        for found in all_at_once(committed, lambda session: take(session, ada, medicine_id, "1", log_id=7))
        if isinstance(found, ledger.Posted)
    ]
    assert len(posted) == 20
    assert len({found.entry_id for found in posted}) == 1
    assert sum(found.was_posted for found in posted) == 1
    with committed() as session:
        assert balance(session, medicine_id) == 29
        assert len(entries(session, medicine_id)) == 2


def test_twenty_undos_at_once_give_back_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=30, now=MORNING)
        take(session, ada, medicine_id, "1", log_id=7)
    all_at_once(committed, lambda session: undo(session, ada, 7))
    with committed() as session:
        assert balance(session, medicine_id) == 30
        assert len(entries(session, medicine_id)) == 3


def test_twenty_different_doses_at_once_leave_no_gap_in_the_ledger(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=15, now=MORNING)
    log_ids = iter(range(100, 120))
    all_at_once(committed, lambda session: take(session, ada, medicine_id, "1", log_id=next(log_ids)))
    with committed() as session:
        found = entries(session, medicine_id)
        assert [entry.seq for entry in found] == list(range(1, 22))
        assert balance(session, medicine_id) == found[-1].new_stock == 0
        assert sum(entry.shortfall for entry in found) == 5


def test_of_twenty_who_remove_the_last_tablet_by_hand_one_succeeds(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=1, now=MORNING)

    def remove(session: Session) -> ledger.Posted:
        return ledger.adjust(session, ada, medicine_id, adjustment=Decimal(-1), reason=None, now=MORNING)

    answers = all_at_once(committed, remove)
    assert sum(isinstance(answer, EngineError) for answer in answers) == 19


def test_when_it_happened_and_when_it_was_heard_are_both_kept(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    earlier = MORNING - timedelta(hours=2)
    ledger.post(
        session,
        ada.person.id,
        medicine_id,
        change=Decimal(-1),
        change_type="consumed",
        occurred_at=earlier,
        recorded_by=None,
        local_date=TODAY,
        now=MORNING,
    )
    last = entries(session, medicine_id)[-1]
    assert (last.occurred_at, last.recorded_at, last.recorded_by) == (earlier, MORNING, None)
