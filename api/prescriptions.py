"""Prescriptions with their lines; files come later."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from api.asking import Asking
from api.shapes import (
    Day,
    Given,
    Id,
    Name,
    NotABool,
    Notes,
    OptionalName,
    Page,
    PageNumber,
    PathId,
    PerPage,
    Search,
    Shown,
    Timestamps,
    page_of,
)
from engine.prescriptions import authoring

router = APIRouter(prefix="/prescriptions", tags=["prescriptions"])


class LineGiven(Given):
    """The old client sends along the object it picked the medicine from; it says nothing new."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    id: Id | None = None
    medicine_id: Id | None = None
    medicine_name: Name
    dosage: Name
    frequency: Name
    duration_days: Annotated[int, Field(ge=1, le=3650), NotABool] | None = None
    instructions: Notes | None = None


Lines = Annotated[list[LineGiven], Field(max_length=100)]


class NewPrescription(Given):
    doctor_name: Name
    hospital_clinic: OptionalName | None = None
    prescription_date: Day
    valid_until: Day | None = None
    notes: Notes | None = None
    is_active: bool | None = None
    medicines: Lines


class PrescriptionEdit(Given):
    doctor_name: Name | None = None
    hospital_clinic: OptionalName | None = None
    prescription_date: Day | None = None
    valid_until: Day | None = None
    notes: Notes | None = None
    is_active: bool | None = None
    medicines: Lines | None = None


class PrescriptionMedicine(Shown):
    id: int
    medicine_id: int | None
    medicine_name: str
    dosage: str
    frequency: str
    duration_days: int | None
    instructions: str | None


class Prescription(Timestamps):
    id: int
    doctor_name: str
    hospital_clinic: str | None
    prescription_date: date
    valid_until: date | None
    notes: str | None
    image_url: str | None = None
    is_active: bool
    is_expired: bool
    days_until_expiry: int = Field(description="-1 without an end")
    prescription_medicines: list[PrescriptionMedicine]


@router.get("", response_model=Page[Prescription])
async def list_prescriptions(
    ask: Asking,
    search: Search = None,
    is_active: bool | None = None,
    is_expired: bool | None = None,
    page: PageNumber = 1,
    per_page: PerPage = 20,
) -> dict[str, Any]:
    """The newest first. The search looks into doctors and clinics."""
    return await ask.read(
        lambda session, who: page_of(
            authoring.listing(
                session,
                who,
                search=search,
                is_active=is_active,
                is_expired=is_expired,
                page=page,
                per_page=per_page,
                now=ask.now,
            ),
            page,
            per_page,
        )
    )


@router.post("", status_code=201, response_model=Prescription)
async def add_prescription(said: NewPrescription, ask: Asking) -> dict[str, Any]:
    """One that ends soon is told at once."""
    fields, lines = _parts(said)
    return await ask.create(
        "prescription",
        said,
        lambda session, who: authoring.create(session, who, fields=fields, lines=lines or [], now=ask.now),
        may_be_doubled=False,
    )


@router.get("/{prescription_id}", response_model=Prescription)
async def get_prescription(prescription_id: PathId, ask: Asking) -> dict[str, Any]:
    return await ask.read(lambda session, who: authoring.get(session, who, prescription_id, now=ask.now))


@router.put("/{prescription_id}", response_model=Prescription)
async def replace_prescription(prescription_id: PathId, said: PrescriptionEdit, ask: Asking) -> dict[str, Any]:
    """As the old form sends it: optional fields it leaves out are cleared; `medicines` replaces all lines."""
    return await _edit(prescription_id, said, ask, is_put=True)


@router.patch("/{prescription_id}", response_model=Prescription)
async def edit_prescription(prescription_id: PathId, said: PrescriptionEdit, ask: Asking) -> dict[str, Any]:
    """Change what is sent, keep the rest."""
    return await _edit(prescription_id, said, ask, is_put=False)


@router.delete("/{prescription_id}", status_code=204)
async def delete_prescription(prescription_id: PathId, ask: Asking) -> None:
    await ask.remove(lambda session, who: authoring.remove(session, who, prescription_id, now=ask.now))


async def _edit(prescription_id: int, said: PrescriptionEdit, ask: Asking, *, is_put: bool) -> dict[str, Any]:
    fields, lines = _parts(said)
    return await ask.write(
        lambda session, who: authoring.edit(
            session, who, prescription_id, given=fields, lines=lines, is_put=is_put, now=ask.now
        )
    )


def _parts(said: Given) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """The prescription's own fields, emptied ones without a value, and its lines."""
    fields = said.filled()
    lines: list[dict[str, Any]] | None = fields.pop("medicines", None)
    return fields, lines
