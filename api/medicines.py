"""Medicines with their stock, as the client's `/medicines` knows them, and the stock's history."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import Field

from api.asking import Asking
from api.shapes import (
    Change,
    Given,
    Id,
    Level,
    Line,
    Name,
    Notes,
    Number,
    OptionalName,
    Page,
    PageNumber,
    PathId,
    PerPage,
    QueryDay,
    Search,
    Shown,
    Timestamps,
    Word,
    page_of,
)
from engine.dispatch import regimen
from engine.errors import Invalid
from engine.inventory import cabinet, history, ordered
from engine.prescriptions import linking

router = APIRouter(prefix="/medicines", tags=["medicines"])

ChangeType = Literal["added", "consumed", "adjusted", "expired"]
StockLevel = Literal["critical", "low", "medium", "good"]


class NewMedicine(Given):
    name: Name
    generic_name: OptionalName | None = None
    dosage: Line = Field(description="The strength on the box, such as 500 mg")
    form: Word
    unit: Word = Field(description="What the stock counts, such as tablets")
    notes: Notes | None = None
    current_stock: Level | None = None
    min_stock_alert: Level | None = Field(None, description="At or below this the person is told; 5 if absent")


class MedicineEdit(Given):
    name: Name | None = None
    generic_name: OptionalName | None = None
    dosage: Line | None = None
    form: Word | None = None
    unit: Word | None = None
    notes: Notes | None = None
    current_stock: Level | None = None
    min_stock_alert: Level | None = None


class Medicine(Timestamps):
    id: int
    name: str
    generic_name: str | None
    dosage: str
    form: str
    unit: str
    notes: str | None
    current_stock: Number
    min_stock_alert: Number
    is_low_stock: bool
    stock_level: StockLevel


class StockEntry(Shown):
    id: int
    medicine_id: int
    medicine_name: str
    change_amount: Number
    change_type: ChangeType
    previous_stock: Number
    new_stock: Number
    shortfall: Number
    notes: str | None
    dose_id: int | None
    reverses_id: int | None
    occurred_at: datetime
    created_at: datetime


class MissingMedicine(Shown):
    id: int = Field(description="Of the prescription's line")
    medicine_name: str
    dosage: str
    frequency: str
    duration_days: int | None
    instructions: str | None
    prescriptions_count: int


class StockAdjustment(Given):
    adjustment: Change | None = None
    reason: OptionalName | None = None


@router.get("", response_model=Page[Medicine])
async def list_medicines(
    ask: Asking, search: Search = None, page: PageNumber = 1, per_page: PerPage = 20
) -> dict[str, Any]:
    """By name. The search is taken literally and looks into names and generic names."""
    return await ask.read(
        lambda session, who: page_of(
            cabinet.list_medicines(session, who, search=search, page=page, per_page=per_page), page, per_page
        )
    )


@router.post("", status_code=201, response_model=Medicine)
async def add_medicine(said: NewMedicine, ask: Asking) -> dict[str, Any]:
    return await ask.create(
        "medicine",
        said,
        lambda session, who: cabinet.add_medicine(session, who, fields=said.filled(), now=ask.now),
        may_be_doubled=True,
    )


@router.get("/low-stock", response_model=list[Medicine])
async def low_stock(ask: Asking) -> list[dict[str, Any]]:
    """At or below their alert level, the least first."""
    return await ask.read(cabinet.low_stock)


@router.get("/for-prescription", response_model=list[Medicine])
async def for_prescription(ask: Asking, search: Search = None) -> list[dict[str, Any]]:
    """To pick from while a prescription is typed: fifty at most."""
    return await ask.read(
        lambda session, who: cabinet.list_medicines(session, who, search=search, page=1, per_page=50)[0]
    )


@router.get("/missing-from-inventory", response_model=list[MissingMedicine])
async def missing_from_inventory(ask: Asking) -> list[dict[str, Any]]:
    """What active prescriptions order and the shelf lacks."""
    return await ask.read(lambda session, who: [dict(row) for row in linking.missing(session, who)])


@router.post("/from-prescription", status_code=201, response_model=Medicine)
async def from_prescription(
    said: NewMedicine, prescription_medicine_id: Annotated[Id, Query()], ask: Asking
) -> dict[str, Any]:
    """Put an ordered medicine on the shelf; every line that orders it is linked to it."""
    return await ask.create(
        f"medicine of line {prescription_medicine_id}",
        said,
        lambda session, who: ordered.add_to_shelf(
            session, who, prescription_medicine_id, fields=said.filled(), now=ask.now
        ),
        may_be_doubled=True,
    )


@router.get("/inventory-history", response_model=Page[StockEntry])
async def inventory_history(
    ask: Asking,
    page: PageNumber = 1,
    per_page: PerPage = 20,
    start_date: QueryDay = None,
    end_date: QueryDay = None,
    change_type: ChangeType | None = None,
    medicine_id: Annotated[Id | None, Query()] = None,
) -> dict[str, Any]:
    """Every change of stock, newest first; one that a dose made names it."""
    return await ask.read(
        lambda session, who: page_of(
            history.history(
                session,
                who,
                page=page,
                per_page=per_page,
                start_date=start_date,
                end_date=end_date,
                change_type=change_type,
                medicine_id=medicine_id,
                now=ask.now,
            ),
            page,
            per_page,
        )
    )


@router.get("/{medicine_id}", response_model=Medicine)
async def get_medicine(medicine_id: PathId, ask: Asking) -> dict[str, Any]:
    return await ask.read(lambda session, who: cabinet.get_medicine(session, who, medicine_id))


@router.put("/{medicine_id}", response_model=Medicine)
async def replace_medicine(medicine_id: PathId, said: MedicineEdit, ask: Asking) -> dict[str, Any]:
    """As the old form sends it: leaving out `generic_name` clears it, a stale stock figure is not a count."""
    return await _edit(medicine_id, said, ask, is_put=True)


@router.patch("/{medicine_id}", response_model=Medicine)
async def edit_medicine(medicine_id: PathId, said: MedicineEdit, ask: Asking) -> dict[str, Any]:
    """Change what is sent, keep the rest."""
    return await _edit(medicine_id, said, ask, is_put=False)


@router.delete("/{medicine_id}", status_code=204)
async def delete_medicine(medicine_id: PathId, ask: Asking) -> None:
    """Gone with its reminders; what was taken stays in the history."""
    await ask.remove(lambda session, who: regimen.remove_medicine(session, who, medicine_id, now=ask.now))


@router.post("/{medicine_id}/adjust-stock", response_model=Medicine)
async def adjust_stock(
    medicine_id: PathId,
    ask: Asking,
    adjustment: Annotated[Change | None, Query()] = None,
    reason: Annotated[OptionalName | None, Query()] = None,
    said: Annotated[StockAdjustment | None, Body()] = None,
) -> dict[str, Any]:
    """Add or take away, by the query (as the old client does) or by the body."""
    meant = said or StockAdjustment()
    amount = adjustment if adjustment is not None else meant.adjustment
    if amount is None:
        raise Invalid("adjustment_missing", "Please say how much to add or take away.")
    meant = StockAdjustment(adjustment=amount, reason=reason or meant.reason)
    return await ask.create(
        f"adjustment of {medicine_id}",
        meant,
        lambda session, who: cabinet.adjust_stock(
            session, who, medicine_id, adjustment=amount, reason=meant.reason, now=ask.now
        ),
        may_be_doubled=True,
    )


async def _edit(medicine_id: int, said: MedicineEdit, ask: Asking, *, is_put: bool) -> dict[str, Any]:
    return await ask.write(
        lambda session, who: cabinet.edit_medicine(
            session, who, medicine_id, given=said.filled(), is_put=is_put, now=ask.now
        )
    )
