"""Reminders: the client's form and what a rule means; answering the dose of now by the reminder's number."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.orm import Session

from api.asking import Asking
from api.doses import Answer as AnswerBody
from api.doses import AnsweredDose, LoggedAnswer, answer, snooze_for
from api.doses import Snooze as SnoozeBody
from api.shapes import (
    Day,
    Given,
    Handle,
    Id,
    NotABool,
    Notes,
    Page,
    PageNumber,
    PathId,
    PerPage,
    QueryDay,
    Shown,
    Timestamps,
    WallTime,
    Word,
    Writable,
    page_of,
)
from engine.accounts.access import Who
from engine.dispatch import answers, regimen
from engine.doses import queries as doses
from engine.errors import Invalid
from engine.reminders import queries
from engine.reminders.fields import DEFAULT_UNIT, GRACE_MINUTES_MAX, ReminderFields

router = APIRouter(prefix="/reminders", tags=["reminders"])

HISTORY = timedelta(days=30)  # where no start is asked for
Frequency = Literal["daily", "specific_days", "interval"]
PastStatus = Literal["taken", "skipped", "missed"]
SpecificDays = Annotated[
    list[Annotated[int, Field(ge=0, le=6), NotABool]], Field(max_length=31, description="Sunday = 0 … Saturday = 6")
]
IntervalDays = Annotated[int, Field(ge=1, le=365), NotABool]
Amount = Annotated[str, Field(max_length=20, description='"1", "0.5", "0,5", "1/2", "½"'), Writable]
Grace = Annotated[int, Field(ge=1, le=GRACE_MINUTES_MAX, description="Minutes until a dose counts as missed"), NotABool]


class ReminderForm(Given):
    reminder_time: WallTime
    frequency: Frequency = "daily"
    specific_days: SpecificDays | None = None
    interval_days: IntervalDays | None = None
    dosage_amount: Amount | None = None
    dosage_unit: Word | None = None
    start_date: Day | None = Field(None, description="The person's today if absent")
    end_date: Day | None = None
    is_active: bool | None = None
    notes: Notes | None = None
    grace_minutes: Grace | None = None


class NewReminder(ReminderForm):
    medicine_id: Id


class ReminderEdit(ReminderForm):
    reminder_time: WallTime | None = None  # type: ignore[assignment]  # an edit may leave everything out
    frequency: Frequency | None = None  # type: ignore[assignment]
    medicine_id: Id | None = Field(None, description="Accepted and left alone: a reminder keeps its medicine")


class MedicineOfReminder(Shown):
    id: int
    name: str
    dosage: str
    form: str
    unit: str


class Reminder(Timestamps):
    id: int
    medicine_id: int
    medicine: MedicineOfReminder
    reminder_time: time
    frequency: Frequency
    specific_days: list[int] | None
    interval_days: int | None
    dosage_amount: str | None
    dosage_unit: str
    start_date: date
    end_date: date | None
    is_active: bool
    notes: str | None
    grace_minutes: int | None
    time_zone: str
    rule: dict[str, Any]
    sentence: str = Field(description="The rule, as a pharmacist would write it")
    next_dose_at: datetime | None


class TodaysDose(Shown):
    id: int = Field(description="Of the reminder if it occurs once today, else of the dose")
    reminder_id: int
    dose_id: int
    medicine_id: int
    medicineName: str  # noqa: N815 - the client's spelling
    dosage: str
    time: str = Field(description="The planned wall clock, without zone")
    due_at: datetime
    closes_at: datetime
    taken_at: datetime | None
    status: Literal["upcoming", "due", "taken", "skipped", "missed", "not_reminded"]
    is_pending: bool


class PastDose(Shown):
    id: int
    dose_id: int | None
    reminder_id: int
    medicine_id: int
    medicine_name: str
    dosage: str
    scheduled_time: str = Field(description="The planned wall clock, without zone")
    due_at: datetime
    taken_time: datetime | None
    recorded_at: datetime
    status: PastStatus
    reason: str | None
    notes: str | None


@router.get("", response_model=Page[Reminder])
async def list_reminders(
    ask: Asking, page: PageNumber = 1, per_page: PerPage = 20, medicine_id: Annotated[Id | None, Query()] = None
) -> dict[str, Any]:
    """Inactive ones too."""
    return await ask.read(
        lambda session, who: page_of(
            queries.listing(session, who, page=page, per_page=per_page, medicine_id=medicine_id, now=ask.now),
            page,
            per_page,
        )
    )


@router.post("", status_code=201, response_model=Reminder)
async def add_reminder(said: NewReminder, ask: Asking) -> dict[str, Any]:
    """A rule, and its first doses. What is due within seconds is told with this request."""
    return await ask.create(
        "reminder",
        said,
        lambda session, who: regimen.add_reminder(
            session, who, fields=_fields(said, who.person.local_date(ask.now)), now=ask.now
        ),
        may_be_doubled=False,
    )


@router.get("/today-with-status", response_model=list[TodaysDose])
async def today_with_status(ask: Asking) -> list[dict[str, Any]]:
    """The person's day in all states, with yesterday's windows that are still open."""
    return await ask.read(lambda session, who: doses.today(session, who, now=ask.now))


@router.get("/history", response_model=Page[PastDose])
async def dose_history(
    ask: Asking,
    start_date: QueryDay = None,
    end_date: QueryDay = None,
    page: PageNumber = 1,
    per_page: PerPage = 20,
    reminder_status: PastStatus | None = None,
) -> dict[str, Any]:
    """Closed doses, newest first; the last thirty days if no dates are given."""

    def read(session: Session, who: Who) -> dict[str, Any]:
        until = end_date or who.person.local_date(ask.now)
        return page_of(
            doses.history(
                session,
                who,
                start_date=start_date or until - HISTORY,
                end_date=until,
                status=reminder_status,
                page=page,
                per_page=per_page,
                now=ask.now,
            ),
            page,
            per_page,
        )

    return await ask.read(read)


@router.get("/{reminder_id}", response_model=Reminder)
async def get_reminder(reminder_id: PathId, ask: Asking) -> dict[str, Any]:
    return await ask.read(lambda session, who: queries.one(session, who, reminder_id, now=ask.now))


@router.put("/{reminder_id}", response_model=Reminder)
async def replace_reminder(reminder_id: PathId, said: ReminderEdit, ask: Asking) -> dict[str, Any]:
    """As the old form sends it: optional fields it leaves out are cleared."""
    return await _edit(reminder_id, said, ask, is_put=True)


@router.patch("/{reminder_id}", response_model=Reminder)
async def edit_reminder(reminder_id: PathId, said: ReminderEdit, ask: Asking) -> dict[str, Any]:
    """Change what is sent, keep the rest."""
    return await _edit(reminder_id, said, ask, is_put=False)


@router.delete("/{reminder_id}", status_code=204)
async def delete_reminder(reminder_id: PathId, ask: Asking) -> None:
    """No further dose; history stays."""
    await ask.remove(lambda session, who: regimen.remove_reminder(session, who, reminder_id, now=ask.now))


@router.post("/{reminder_id}/take", response_model=AnsweredDose)
async def take(
    reminder_id: Handle, ask: Asking, said: AnswerBody | None = None, notes: Annotated[Notes | None, Query()] = None
) -> dict[str, Any]:
    """The dose of now was taken. The same again changes nothing."""
    return await answer(ask, reminder_id, "taken", said, notes)


@router.post("/{reminder_id}/skip", response_model=AnsweredDose)
async def skip(
    reminder_id: Handle, ask: Asking, said: AnswerBody | None = None, notes: Annotated[Notes | None, Query()] = None
) -> dict[str, Any]:
    return await answer(ask, reminder_id, "skipped", said, notes)


@router.post("/{reminder_id}/snooze", response_model=AnsweredDose)
async def snooze(reminder_id: Handle, ask: Asking, said: SnoozeBody | None = None) -> dict[str, Any]:
    """Tell again later; the dose itself stays where it is."""
    return await snooze_for(ask, reminder_id, said)


@router.post("/{reminder_id}/undo", response_model=AnsweredDose)
async def undo(reminder_id: Handle, ask: Asking) -> dict[str, Any]:
    return await ask.write(lambda session, who: answers.undo(session, who, reminder_id, now=ask.now))


@router.post("/{reminder_id}/log", response_model=AnsweredDose)
async def log(reminder_id: Handle, said: LoggedAnswer, ask: Asking) -> dict[str, Any]:
    """Either answer, perhaps back-dated, with a note and a reason."""
    return await answer(ask, reminder_id, said.status, said, None)


def _fields(said: NewReminder, today: date) -> ReminderFields:
    return ReminderFields(
        medicine_id=said.medicine_id,
        reminder_time=said.reminder_time,
        frequency=said.frequency,
        start_date=said.start_date or today,
        specific_days=said.specific_days,
        interval_days=said.interval_days,
        end_date=said.end_date,
        dosage_amount=said.dosage_amount or None,
        dosage_unit=said.dosage_unit or DEFAULT_UNIT,
        is_active=said.is_active is not False,
        notes=said.notes or None,
        grace_minutes=said.grace_minutes,
    )


async def _edit(reminder_id: int, said: ReminderEdit, ask: Asking, *, is_put: bool) -> dict[str, Any]:
    given = said.filled()
    if is_put and given.get("reminder_time", ...) is None:
        raise Invalid("reminder_time_missing", "Please say at what time.")
    return await ask.write(
        lambda session, who: regimen.edit_reminder(session, who, reminder_id, given=given, is_put=is_put, now=ask.now)
    )
