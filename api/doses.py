"""Doses by their own number: what is planned and what came of it, and the answers."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from api.asking import Ask, Asking
from api.shapes import (
    Given,
    Handle,
    Instant,
    NotABool,
    Notes,
    Number,
    OptionalName,
    Page,
    PageNumber,
    PerPage,
    QueryDay,
    Shown,
    page_of,
)
from engine.dispatch import answers
from engine.errors import Invalid

router = APIRouter(prefix="/doses", tags=["doses"])

Status = Literal["scheduled", "due", "taken", "skipped", "missed", "not_reminded"]
RANGE_DAYS_MAX = 366


class Answer(Given):
    taken_at: Instant | None = Field(None, description="When it really happened; now if absent")
    notes: Notes | None = None
    reason: OptionalName | None = Field(None, description="Why it was skipped")


class LoggedAnswer(Answer):
    status: Literal["taken", "skipped"]


class Snooze(Given):
    minutes: Annotated[int, Field(ge=1, le=720), NotABool] = answers.SNOOZE_MINUTES


class Dose(Shown):
    id: int
    reminder_id: int
    medicine_id: int
    medicine_name: str
    planned_on: date
    scheduled_time: str = Field(description="The planned wall clock, without zone")
    time_zone: str
    due_at: datetime
    closes_at: datetime
    amount: Number
    unit: str
    dosage: str
    adjusted: Literal["gap", "merged"] | None = Field(description="What a change of clocks did to its time")
    status: Status | Literal["cancelled"]
    revision: int
    reminded_at: datetime | None
    taken_at: datetime | None
    recorded_at: datetime | None
    recorded_by: int | None
    source: Literal["app", "link", "carer", "engine"] | None
    reason: str | None
    notes: str | None


class AnsweredDose(Dose):
    snoozed_until: datetime | None = None


@router.get("", response_model=Page[Dose])
async def list_doses(
    ask: Asking,
    start: QueryDay = None,
    end: QueryDay = None,
    status: Annotated[Status | None, Query()] = None,
    page: PageNumber = 1,
    per_page: PerPage = 100,
) -> dict[str, Any]:
    """Doses planned for these days of the person's calendar (both included; today if absent), oldest first."""
    if start and end and not timedelta(0) <= end - start <= timedelta(days=RANGE_DAYS_MAX):
        raise Invalid("range_unusable", "Please ask for at most a year, from an earlier day to a later one.")
    return await ask.read(
        lambda session, who: page_of(
            answers.doses(
                session,
                who,
                start=start or end or who.person.local_date(ask.now),
                end=end or start or who.person.local_date(ask.now),
                status=status,
                page=page,
                per_page=per_page,
                now=ask.now,
            ),
            page,
            per_page,
        )
    )


@router.get("/{dose_id}", response_model=Dose)
async def get_dose(dose_id: Handle, ask: Asking) -> dict[str, Any]:
    return await ask.read(lambda session, who: answers.one(session, who, dose_id, now=ask.now))


@router.post("/{dose_id}/take", response_model=AnsweredDose)
async def take(dose_id: Handle, ask: Asking, said: Answer | None = None) -> dict[str, Any]:
    """Taken. The same again changes nothing; a missed one is recorded as taken late."""
    return await answer(ask, dose_id, "taken", said, None)


@router.post("/{dose_id}/skip", response_model=AnsweredDose)
async def skip(dose_id: Handle, ask: Asking, said: Answer | None = None) -> dict[str, Any]:
    return await answer(ask, dose_id, "skipped", said, None)


@router.post("/{dose_id}/snooze", response_model=AnsweredDose)
async def snooze(dose_id: Handle, ask: Asking, said: Snooze | None = None) -> dict[str, Any]:
    """Tell again later; the dose itself stays where it is."""
    return await snooze_for(ask, dose_id, said)


@router.post("/{dose_id}/undo", response_model=AnsweredDose)
async def undo(dose_id: Handle, ask: Asking) -> dict[str, Any]:
    """Take the answer back, and the stock with it."""
    return await ask.write(lambda session, who: answers.undo(session, who, dose_id, now=ask.now))


async def answer(ask: Ask, handle: int, status: str, said: Answer | None, notes: str | None) -> dict[str, Any]:
    meant = said or Answer()
    return await ask.write(
        lambda session, who: answers.answer(
            session,
            who,
            handle,
            status=status,
            taken_at=meant.taken_at,
            notes=meant.notes or notes,
            reason=meant.reason,
            now=ask.now,
        )
    )


async def snooze_for(ask: Ask, handle: int, said: Snooze | None) -> dict[str, Any]:
    minutes = said.minutes if said else answers.SNOOZE_MINUTES
    return await ask.write(lambda session, who: answers.snooze(session, who, handle, minutes=minutes, now=ask.now))
