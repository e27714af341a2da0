"""The only writer of balances. One entry per change, in order, under the lock of the medicine's row in `stocks`.

Promises: the balance is the sum of the changes and the last entry's `new_stock`; `seq` has no gaps; nothing goes
below zero (what was taken beyond the balance is the entry's `shortfall`); one outcome (`log_id`) posts one entry
and an entry is reversed once, however often and from how many sides the request comes. Crossing the alert level
from above appends `StockLow`, once per crossing. Amounts are rounded to thousandths before they are posted.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Conflict, Invalid, NotFound
from engine.events import log
from engine.inventory.entry_facts import facts_of
from engine.inventory.models import StockAccount, StockEntry
from engine.quantity import STOCK_STEP

STOCK_MAX = Decimal("999999999.999")
NOTHING = Decimal("0.000")


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry there is now. `was_posted` is false if an earlier call had posted it already."""

    entry_id: int
    new_stock: Decimal
    shortfall: Decimal
    was_posted: bool


@dataclass(frozen=True, slots=True)
class _Account:
    medicine_id: int
    user_id: int
    on_hand: Decimal
    min_stock_alert: Decimal
    seq: int


_LOCK = (
    select(
        StockAccount.medicine_id,
        StockAccount.user_id,
        StockAccount.on_hand,
        StockAccount.min_stock_alert,
        StockAccount.seq,
    )
    .where(StockAccount.medicine_id == bindparam("medicine_id"), StockAccount.user_id == bindparam("user_id"))
    .with_for_update()
)
# the account is locked, so (medicine_id, seq) cannot conflict: only log_id and reverses_id can
_APPEND = insert_once(StockEntry).on_conflict_do_nothing().returning(StockEntry.id)
_POSTED_BEFORE = select(StockEntry.id, StockEntry.new_stock, StockEntry.shortfall).where(
    or_(StockEntry.log_id == bindparam("log_id"), StockEntry.reverses_id == bindparam("reverses_id"))
)
_OF_LOG = select(
    StockEntry.id, StockEntry.user_id, StockEntry.medicine_id, StockEntry.change_amount, StockEntry.dose_id
).where(StockEntry.log_id == bindparam("log_id"))
_SETTLE = (
    update(StockAccount)
    .where(StockAccount.medicine_id == bindparam("of_medicine"))
    .values(on_hand=bindparam("balance"), seq=bindparam("last_seq"), updated_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)


def open_account(
    session: Session, who: Who, medicine_id: int, *, initial: Decimal, alert: Decimal, now: datetime
) -> None:
    """An account for a new medicine; what it starts with is its first entry."""
    values = {
        "medicine_id": medicine_id,
        "user_id": who.person.id,
        "on_hand": NOTHING,
        "min_stock_alert": _level(alert),
        "seq": 0,
        "updated_at": now,
    }
    initial = _level(initial)
    session.execute(insert(StockAccount), values)
    if initial > 0:
        _post_mine(session, who, medicine_id, change=initial, change_type="added", notes="Initial stock", now=now)


def post(
    session: Session,
    user_id: int,
    medicine_id: int,
    *,
    change: Decimal,
    change_type: str,
    dose_id: int | None = None,
    log_id: int | None = None,
    reverses_id: int | None = None,
    notes: str | None = None,
    occurred_at: datetime,
    recorded_by: int | None,
    local_date: date,
    now: datetime,
) -> Posted:
    """Append one entry and settle the balance, or find the entry that `log_id` or `reverses_id` has already.

    What goes beyond the balance is not refused: the entry takes what there is and carries the shortfall.
    """
    account = _lock(session, user_id, medicine_id)
    values = _next_entry(account, rounded(change)) | {
        "change_type": change_type,
        "dose_id": dose_id,
        "log_id": log_id,
        "reverses_id": reverses_id,
        "notes": notes,
        "occurred_at": occurred_at,
        "recorded_at": now,
        "recorded_by": recorded_by,
    }
    entry_id = session.execute(_APPEND, values).scalar_one_or_none()
    if entry_id is None:
        first = session.execute(_POSTED_BEFORE, {"log_id": log_id, "reverses_id": reverses_id}).one()
        return Posted(first.id, first.new_stock, first.shortfall, was_posted=False)
    balance = values["new_stock"]
    session.execute(_SETTLE, {"of_medicine": medicine_id, "balance": balance, "last_seq": values["seq"], "at": now})
    log.append(session, facts_of(values, entry_id, account.min_stock_alert, local_date), now=now)
    return Posted(entry_id, balance, values["shortfall"], was_posted=True)


def _next_entry(account: _Account, change: Decimal) -> dict[str, Any]:
    """What follows from the balance: it takes what there is, and the rest is the shortfall."""
    taken = max(change, -account.on_hand)
    balance = account.on_hand + taken
    if balance > STOCK_MAX:
        raise Invalid("stock_too_large", "So much cannot be kept in stock.")
    return {
        "user_id": account.user_id,
        "medicine_id": account.medicine_id,
        "seq": account.seq + 1,
        "change_amount": taken,
        "previous_stock": account.on_hand,
        "new_stock": balance,
        "shortfall": taken - change,
    }


def reverse(
    session: Session,
    log_id: int,
    *,
    notes: str | None = None,
    recorded_by: int | None,
    local_date: date,
    now: datetime,
) -> Posted | None:
    """Post the exact opposite of the entry that this outcome posted, once; None if it posted none."""
    entry = session.execute(_OF_LOG, {"log_id": log_id}).one_or_none()
    if entry is None:
        return None
    return post(
        session,
        entry.user_id,
        entry.medicine_id,
        change=-entry.change_amount,
        change_type="adjusted",
        dose_id=entry.dose_id,
        reverses_id=entry.id,
        notes=notes,
        occurred_at=now,
        recorded_by=recorded_by,
        local_date=local_date,
        now=now,
    )


def adjust(
    session: Session, who: Who, medicine_id: int, *, adjustment: Decimal, reason: str | None, now: datetime
) -> Posted:
    """Add or take away by hand. Raises Conflict if more would be taken than there is."""
    adjustment = rounded(adjustment)
    if adjustment == 0:
        raise Invalid("adjustment_is_zero", "An adjustment adds or takes away something.")
    account = _lock(session, who.person.id, medicine_id)
    if account.on_hand + adjustment < 0:
        raise Conflict("not_enough_stock", f"There are only {plain(account.on_hand)} left: nothing was changed.")
    verb, change_type = ("added", "added") if adjustment > 0 else ("removed", "consumed")
    notes = f"Stock {verb} - {reason or 'manual'}"
    return _post_mine(session, who, medicine_id, change=adjustment, change_type=change_type, notes=notes, now=now)


def count(session: Session, who: Who, medicine_id: int, *, counted: Decimal, now: datetime) -> Posted:
    """What was counted is what there is: the difference is posted, also when it is nothing."""
    account = _lock(session, who.person.id, medicine_id)
    change = _level(counted) - account.on_hand
    return _post_mine(session, who, medicine_id, change=change, change_type="adjusted", notes="Stock counted", now=now)


def set_alert(session: Session, who: Who, medicine_id: int, *, alert: Decimal, now: datetime) -> None:
    """From which balance down a medicine is low. Tells nobody: the next crossing does."""
    statement = (
        update(StockAccount)
        .where(StockAccount.medicine_id == medicine_id, StockAccount.user_id == who.person.id)
        .values(min_stock_alert=_level(alert), updated_at=now)
    )
    session.execute(statement)


def rounded(amount: Decimal) -> Decimal:
    """As it is posted: to thousandths, and no more than the column holds. Raises Invalid for what is no number."""
    if not amount.is_finite():
        raise Invalid("amount_not_a_number", "An amount must be a number.")
    return min(max(amount, -STOCK_MAX), STOCK_MAX).quantize(STOCK_STEP, ROUND_HALF_UP)


def plain(amount: Decimal) -> str:
    """As a person writes it: 3, 0.5."""
    return f"{amount.normalize():f}"


def _post_mine(
    session: Session, who: Who, medicine_id: int, *, change: Decimal, change_type: str, notes: str, now: datetime
) -> Posted:
    return post(
        session,
        who.person.id,
        medicine_id,
        change=change,
        change_type=change_type,
        notes=notes,
        occurred_at=now,
        recorded_by=who.actor_id,
        local_date=who.person.local_date(now),
        now=now,
    )


def _lock(session: Session, user_id: int, medicine_id: int) -> _Account:
    row = session.execute(_LOCK, {"medicine_id": medicine_id, "user_id": user_id}).one_or_none()
    if row is None:
        raise NotFound("medicine_not_found", "There is no such medicine.")
    return _Account(*row)


def _level(amount: Decimal) -> Decimal:
    """A balance or an alert level, as opposed to a change: never negative."""
    amount = rounded(amount)
    if amount < 0:
        raise Invalid("stock_below_zero", "Stock cannot be less than nothing.")
    return amount
