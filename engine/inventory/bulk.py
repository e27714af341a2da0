"""Many doses taken at once: what `ledger.post` does for each, in the order given, in three statements for all.

The same promises and the same entries, balances and facts (a law holds the two equal). Accounts are locked in the
order of their medicines, so neither two of these nor one of these and a `ledger.post` can wait for each other for
ever. Only what takes from the stock is posted here: the chain of balances is right as long as they only fall.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from engine.errors import NotFound
from engine.events import log
from engine.events.facts import StockLow
from engine.inventory import ledger
from engine.inventory.entry_facts import CHANGED_SQL


class Consumption(NamedTuple):
    """What one outcome (`log_id`) took, in the medicine's unit; `local_date` is the person's day when we heard."""

    log_id: int
    user_id: int
    medicine_id: int
    amount: Decimal
    dose_id: int | None
    occurred_at: datetime
    recorded_by: int | None
    local_date: date


@dataclass(frozen=True, slots=True)
class Posted:
    """New entries, outcomes that had posted theirs `before`, and how many balances fell to their alert level."""

    entries: int = 0
    before: int = 0
    low: int = 0


_LOCK = text(
    "SELECT count(*) FROM (SELECT FROM stocks s"
    " JOIN unnest(CAST(:medicine_ids AS bigint[]), CAST(:user_ids AS bigint[])) mine(medicine_id, user_id)"
    " ON s.medicine_id = mine.medicine_id AND s.user_id = mine.user_id"
    " ORDER BY s.medicine_id FOR UPDATE OF s) locked"
)
_KNOWN = text("SELECT log_id FROM inventory_history WHERE log_id = ANY(CAST(:log_ids AS bigint[]))")
_COLUMNS = (
    ("log_id", "bigint"),
    ("user_id", "bigint"),
    ("medicine_id", "bigint"),
    ("amount", "numeric"),
    ("dose_id", "bigint"),
    ("occurred_at", "timestamptz"),
    ("recorded_by", "bigint"),
)
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_ARRAYS = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS)
# Balances only fall, so where one stops at nothing all that follow stand there, too: no step depends on the one before.
_CHAINED = (
    "SELECT g.*, s.min_stock_alert, s.seq + g.nth AS seq, greatest(s.on_hand - g.upto + g.amount, 0) AS previous_stock,"
    " greatest(s.on_hand - g.upto, 0) AS new_stock FROM (SELECT given.*, sum(amount) OVER one AS upto,"
    f" row_number() OVER one AS nth FROM unnest({_ARRAYS}) WITH ORDINALITY given({_NAMES}, place)"
    " WINDOW one AS (PARTITION BY medicine_id ORDER BY place)) g JOIN stocks s ON s.medicine_id = g.medicine_id"
)
_ENTERED = (
    "INSERT INTO inventory_history (user_id, medicine_id, seq, change_amount, change_type, previous_stock, new_stock,"
    " shortfall, dose_id, log_id, notes, occurred_at, recorded_at, recorded_by)"
    " SELECT user_id, medicine_id, seq, new_stock - previous_stock, 'consumed', previous_stock, new_stock,"
    " amount - previous_stock + new_stock, dose_id, log_id, :notes, occurred_at, :now, recorded_by"
    " FROM chained RETURNING *"
)
_SETTLED = (
    "UPDATE stocks s SET on_hand = e.new_stock, seq = e.seq, updated_at = :now FROM"
    " (SELECT DISTINCT ON (medicine_id) medicine_id, new_stock, seq FROM entered ORDER BY medicine_id, seq DESC) e"
    " WHERE s.medicine_id = e.medicine_id"
)
_POST = text(
    f"WITH chained AS MATERIALIZED ({_CHAINED}), entered AS ({_ENTERED}), settled AS ({_SETTLED}),"
    f" facts AS ({log.APPEND_SQL} SELECT :now, e.user_id, 'stock', to_jsonb(payload), e.occurred_at"
    f"  FROM entered e CROSS JOIN LATERAL (SELECT {CHANGED_SQL}) payload)"
    " SELECT (SELECT count(*) FROM entered) AS entries, low.* FROM (SELECT 1) one LEFT JOIN"
    " (SELECT log_id, user_id, medicine_id, seq, new_stock, occurred_at FROM chained"
    "  WHERE new_stock <= min_stock_alert AND min_stock_alert < previous_stock) low ON true"
)


def post(session: Session, consumed: Sequence[Consumption], *, notes: str | None = None, now: datetime) -> Posted:
    """Append an entry for each outcome that has none yet. Raises NotFound if one names a stranger's medicine."""
    given: dict[int, Consumption] = {}
    for each in consumed:
        given.setdefault(each.log_id, each)
    if not given:
        return Posted()
    _lock(session, given.values())
    for log_id in session.scalars(_KNOWN, {"log_ids": _array(given)}):
        del given[log_id]
    if not given:
        return Posted(before=len(consumed))
    rows = session.execute(_POST, _arrays(given.values()) | {"notes": notes, "now": now}).all()
    low = [_low(row, given[row.log_id].local_date) for row in rows if row.log_id is not None]
    log.append(session, low, now=now)
    entries = rows[0].entries
    return Posted(entries, len(consumed) - entries, len(low))


def _lock(session: Session, given: Iterable[Consumption]) -> None:
    mine = {(each.medicine_id, each.user_id) for each in given}
    values = {"medicine_ids": _array(each for each, _ in mine), "user_ids": _array(each for _, each in mine)}
    if session.execute(_LOCK, values).scalar_one() < len(mine):
        raise NotFound("medicine_not_found", "There is no such medicine.")


def _arrays(given: Iterable[Consumption]) -> dict[str, object]:
    log_ids, user_ids, medicine_ids, amounts, dose_ids, instants, actors, _ = zip(*given, strict=True)
    taken, at = map(_taken, amounts), map(datetime.isoformat, instants)
    values: tuple[Iterable[object], ...] = (log_ids, user_ids, medicine_ids, taken, dose_ids, at, actors)
    return {name: _array(column) for (name, _), column in zip(_COLUMNS, values, strict=True)}


def _taken(amount: Decimal) -> Decimal:
    taken = ledger.rounded(amount)
    if taken < 0:
        raise ValueError("what is given back is posted one by one: balances fall here, and nothing else")
    return taken


def _array(values: Iterable[object]) -> str:
    """As PostgreSQL reads it. Numbers and instants need no quotes, and a driver writes a list far slower than this."""
    return "{" + ",".join(["NULL" if each is None else str(each) for each in values]) + "}"


def _low(row: Row[Any], local_date: date) -> StockLow:
    return StockLow(
        user_id=row.user_id,
        occurred_at=row.occurred_at,
        medicine_id=row.medicine_id,
        entry_seq=row.seq,
        on_hand=row.new_stock,
        local_date=local_date,
    )
