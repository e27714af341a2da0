"""The ledger's laws, whatever is done to it in whatever order."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Conflict
from engine.inventory import ledger
from engine.inventory.models import StockAccount, StockEntry
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.worlds import rolled_back

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
AMOUNTS = st.decimals("0.001", "40", places=3)
LOG_IDS = st.integers(1, 6)
ACTS = st.one_of(
    st.tuples(st.just("take"), LOG_IDS, AMOUNTS),
    st.tuples(st.just("undo"), LOG_IDS),
    st.tuples(st.just("adjust"), st.decimals("-40", "40", places=3).filter(bool)),
    st.tuples(st.just("count"), st.decimals("0", "60", places=3)),
)


def act(session: Session, who: Who, medicine_id: int, step: tuple[Any, ...], now: datetime) -> None:
    match step:
        case ("take", log_id, amount):
            take(session, who, medicine_id, log_id, amount, now)
        case ("undo", log_id):
            ledger.reverse(session, log_id, recorded_by=None, local_date=TODAY, now=now)
        case ("adjust", amount):
            try:
                ledger.adjust(session, who, medicine_id, adjustment=amount, reason=None, now=now)
            except Conflict:
                return
        case ("count", amount):
            ledger.count(session, who, medicine_id, counted=amount, now=now)


def take(session: Session, who: Who, medicine_id: int, log_id: int, amount: Decimal, now: datetime) -> None:
    ledger.post(
        session,
        who.person.id,
        medicine_id,
        change=-amount,
        change_type="consumed",
        log_id=log_id,
        occurred_at=now,
        recorded_by=None,
        local_date=TODAY,
        now=now,
    )


def check_laws(session: Session, medicine_id: int) -> None:
    account = session.execute(
        select(StockAccount.on_hand, StockAccount.seq).where(StockAccount.medicine_id == medicine_id)
    ).one()
    found = session.execute(
        select(StockEntry.__table__).where(StockEntry.medicine_id == medicine_id).order_by(StockEntry.seq)
    ).all()
    assert [entry.seq for entry in found] == list(range(1, account.seq + 1))
    assert account.on_hand == sum(entry.change_amount for entry in found)
    assert account.on_hand == (found[-1].new_stock if found else 0)
    assert all(entry.new_stock >= 0 and entry.shortfall >= 0 for entry in found)
    befores = [Decimal(0), *(entry.new_stock for entry in found)]
    assert [entry.previous_stock for entry in found] == befores[: len(found)]
    log_ids = [entry.log_id for entry in found if entry.log_id is not None]
    assert len(log_ids) == len(set(log_ids))


@settings(deadline=None, max_examples=40)
@given(initial=st.decimals("0", "30", places=3), steps=st.lists(ACTS, max_size=12))
def test_the_balance_is_the_sum_of_the_changes_and_the_last_entry_says_so(
    db_engine: Engine, initial: Decimal, steps: list[tuple[Any, ...]]
) -> None:
    with rolled_back(db_engine) as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=initial, now=MORNING)
        for number, step in enumerate(steps):
            act(session, ada, medicine_id, step, MORNING + timedelta(minutes=number))
            check_laws(session, medicine_id)


@settings(deadline=None, max_examples=40)
@given(initial=st.decimals("0", "30", places=3), amount=AMOUNTS)
def test_taking_and_undoing_leaves_the_balance_as_it_was(db_engine: Engine, initial: Decimal, amount: Decimal) -> None:
    with rolled_back(db_engine) as session:
        ada = make_person(session, now=MORNING)
        medicine_id = make_medicine(session, ada, stock=initial, now=MORNING)
        take(session, ada, medicine_id, 1, amount, MORNING)
        undone = ledger.reverse(session, 1, recorded_by=None, local_date=TODAY, now=MORNING)
        assert undone is not None
        assert undone.new_stock == initial
