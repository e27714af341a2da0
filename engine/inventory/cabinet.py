"""Medicines together with their stock: what people call "my medicines".

Writes go through `medicines.catalogue` and `inventory.ledger`; nothing here touches a table of its own. An edit
holds the medicine's row, so two edits follow one another; a dose taken meanwhile is not overwritten, because the
stock figure of an edit is read by `staleness` and posted as a difference.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, func, or_, select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import NotFound
from engine.inventory import ledger
from engine.inventory.models import StockAccount, StockEntry
from engine.inventory.staleness import REMEMBERED, is_count
from engine.medicines import catalogue

DEFAULT_ALERT = Decimal(5)
CLEARED_BY_LEAVING_OUT = ("generic_name",)
_SHELF = catalogue.shelf()
_MINE = (
    select(
        _SHELF.c.id,
        _SHELF.c.name,
        _SHELF.c.generic_name,
        _SHELF.c.dosage,
        _SHELF.c.form,
        _SHELF.c.unit,
        _SHELF.c.notes,
        StockAccount.on_hand.label("current_stock"),
        StockAccount.min_stock_alert,
        (StockAccount.on_hand <= StockAccount.min_stock_alert).label("is_low_stock"),
        _SHELF.c.created_at,
        func.greatest(_SHELF.c.updated_at, StockAccount.updated_at).label("updated_at"),
    )
    .join(StockAccount, (StockAccount.medicine_id == _SHELF.c.id) & (StockAccount.user_id == _SHELF.c.user_id))
    .where(_SHELF.c.user_id == bindparam("user_id"))
)
_ONE = _MINE.where(_SHELF.c.id == bindparam("medicine_id"))
_LOW = _MINE.where(StockAccount.on_hand <= StockAccount.min_stock_alert).order_by(StockAccount.on_hand, _SHELF.c.id)
_TOTAL = select(func.count()).select_from(_SHELF).where(_SHELF.c.user_id == bindparam("user_id"))
_RECENT = select(StockEntry.previous_stock, StockEntry.new_stock).where(
    StockEntry.user_id == bindparam("user_id"),
    StockEntry.medicine_id == bindparam("medicine_id"),
    StockEntry.recorded_at >= bindparam("since"),
)


def add_medicine(session: Session, who: Who, *, fields: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A medicine with its stock account. `fields`: the catalogue's, `current_stock` and `min_stock_alert`."""
    medicine_id = catalogue.add(session, who, fields=fields, now=now)
    initial = fields.get("current_stock")
    alert = fields.get("min_stock_alert")
    ledger.open_account(
        session,
        who,
        medicine_id,
        initial=Decimal(0) if initial is None else initial,
        alert=DEFAULT_ALERT if alert is None else alert,
        now=now,
    )
    return get_medicine(session, who, medicine_id)


def edit_medicine(
    session: Session, who: Who, medicine_id: int, *, given: Mapping[str, Any], is_put: bool, now: datetime
) -> dict[str, Any]:
    """Save an edit. PUT clears what the old form clears by leaving it out; PATCH keeps whatever is not given."""
    before = dict(catalogue.hold(session, who, medicine_id)) | _levels(get_medicine(session, who, medicine_id))
    changes = _changes(before, given, is_put=is_put)
    counted = changes.pop("current_stock", None)
    is_counted = counted is not None and _was_counted(
        session, who, before, counted, others_changed=is_put and bool(changes), now=now
    )
    alert = changes.pop("min_stock_alert", None)
    if alert is not None:
        ledger.set_alert(session, who, medicine_id, alert=alert, now=now)
    if counted is not None and is_counted:  # after the alert level: a crossing is judged by the new one
        ledger.count(session, who, medicine_id, counted=counted, now=now)
    if changes:
        catalogue.edit(session, who, medicine_id, changes=changes, now=now)
    return get_medicine(session, who, medicine_id)


def adjust_stock(
    session: Session, who: Who, medicine_id: int, *, adjustment: Decimal, reason: str | None, now: datetime
) -> dict[str, Any]:
    """Add or take away by hand; returns the medicine. Raises Conflict if more would be taken than there is."""
    catalogue.require(session, who, medicine_id)
    ledger.adjust(session, who, medicine_id, adjustment=adjustment, reason=reason, now=now)
    return get_medicine(session, who, medicine_id)


def _levels(medicine: Mapping[str, Any]) -> dict[str, Any]:
    return {"current_stock": medicine["current_stock"], "min_stock_alert": medicine["min_stock_alert"]}


def _changes(before: Mapping[str, Any], given: Mapping[str, Any], *, is_put: bool) -> dict[str, Any]:
    """The fields that say something new. Null clears an optional field and means nothing for the others."""
    known = (*catalogue.FIELDS, "current_stock", "min_stock_alert")
    sent = {name: given[name] for name in known if name in given}
    if is_put:
        sent = dict.fromkeys(CLEARED_BY_LEAVING_OUT) | sent
    return {
        name: value
        for name, value in sent.items()
        if value != before[name] and (value is not None or name in catalogue.OPTIONAL)
    }


def _was_counted(
    session: Session, who: Who, before: Mapping[str, Any], sent: Decimal, *, others_changed: bool, now: datetime
) -> bool:
    values = {"user_id": who.person.id, "medicine_id": before["id"], "since": now - REMEMBERED}
    recent = [balance for row in session.execute(_RECENT, values) for balance in row]
    return is_count(sent, before["current_stock"], recent, others_changed=others_changed)


def get_medicine(session: Session, who: Who, medicine_id: int) -> dict[str, Any]:
    """One medicine with its stock. Raises NotFound."""
    row = session.execute(_ONE, {"user_id": who.person.id, "medicine_id": medicine_id}).mappings().one_or_none()
    if row is None:
        raise NotFound("medicine_not_found", "There is no such medicine.")
    return _view(row)


def list_medicines(
    session: Session, who: Who, *, search: str | None, page: int, per_page: int
) -> tuple[list[dict[str, Any]], int]:
    """One page by name, and how many there are. The search looks into names and generic names."""
    wanted = _matching(search)
    bounds = {"user_id": who.person.id}
    page_of = _MINE.where(*wanted).order_by(_SHELF.c.name_key, _SHELF.c.id)
    rows = session.execute(page_of.limit(per_page).offset((page - 1) * per_page), bounds).mappings()
    return [_view(row) for row in rows], session.execute(_TOTAL.where(*wanted), bounds).scalar_one()


def low_stock(session: Session, who: Who) -> list[dict[str, Any]]:
    """What is at or below its alert level, the least first."""
    return [_view(row) for row in session.execute(_LOW, {"user_id": who.person.id}).mappings()]


def _matching(search: str | None) -> list[ColumnElement[bool]]:
    if not search or not search.strip():
        return []
    by_key, as_typed = catalogue.pattern_of(catalogue.key_of(search)), catalogue.pattern_of(search)
    return [or_(_SHELF.c.name_key.like(by_key), _SHELF.c.generic_name.ilike(as_typed))]


def _view(row: RowMapping) -> dict[str, Any]:
    return dict(row) | {"stock_level": stock_level(row["current_stock"], row["min_stock_alert"])}


def stock_level(on_hand: Decimal, alert: Decimal) -> str:
    """Pure: critical at or below the alert level, low up to twice, medium up to five times, else good."""
    for times, level in ((1, "critical"), (2, "low"), (5, "medium")):
        if on_hand <= times * alert:
            return level
    return "good"
