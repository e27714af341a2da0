"""The bell: list, read, answer from it, delete."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from api.asking import Asking
from api.shapes import Page, PageNumber, PathId, PerPage, Shown, page_of
from engine.dispatch import answers
from engine.notifications import inbox

router = APIRouter(prefix="/notifications", tags=["notifications"])

Type = Literal["reminder", "low_stock", "prescription_expiry"]


class Notification(Shown):
    id: int
    type: Type
    kind: Literal["due", "missed", "low_stock", "prescription_expiry"]
    title: str
    message: str
    is_read: bool
    read_at: datetime | None
    action_taken: Literal["taken", "skipped", "snoozed"] | None
    action_url: str
    reference_type: Literal["reminder", "medicine", "prescription"]
    reference_id: int
    dose_id: int | None
    reminder_id: int | None
    medicine_id: int | None
    due_at: datetime | None
    scheduled_time: str | None
    created_at: datetime


class Counts(Shown):
    total: int
    unread: int


class Changed(Shown):
    changed: int


@router.get("", response_model=Page[Notification])
async def list_notifications(
    ask: Asking,
    page: PageNumber = 1,
    per_page: PerPage = 20,
    is_read: bool | None = None,
    notification_type: Annotated[Type | None, Query(alias="type")] = None,
) -> dict[str, Any]:
    """Newest first."""
    return await ask.read(
        lambda session, who: page_of(
            inbox.listing(session, who, page=page, per_page=per_page, is_read=is_read, kind=notification_type),
            page,
            per_page,
        )
    )


@router.delete("", response_model=Changed)
async def delete_all(ask: Asking) -> dict[str, int]:
    return await ask.write(lambda session, who: {"changed": inbox.delete_all(session, who, now=ask.now)})


@router.get("/counts", response_model=Counts)
async def counts(ask: Asking) -> dict[str, int]:
    return await ask.read(inbox.counts)


@router.put("/read-all", response_model=Changed)
async def read_all(ask: Asking) -> dict[str, int]:
    return await ask.write(lambda session, who: {"changed": inbox.mark_all_read(session, who, now=ask.now)})


@router.get("/{notification_id}", response_model=Notification)
async def get_notification(notification_id: PathId, ask: Asking) -> dict[str, Any]:
    return await ask.read(lambda session, who: inbox.one(session, who, notification_id))


@router.put("/{notification_id}/read", response_model=Notification)
async def read(notification_id: PathId, ask: Asking) -> dict[str, Any]:
    return await ask.write(lambda session, who: inbox.mark_read(session, who, notification_id, now=ask.now))


@router.put("/{notification_id}/taken", response_model=Notification)
async def taken(notification_id: PathId, ask: Asking) -> dict[str, Any]:
    """Records the dose as taken, stock and all."""
    return await ask.write(
        lambda session, who: answers.by_notification(session, who, notification_id, status="taken", now=ask.now)
    )


@router.put("/{notification_id}/skipped", response_model=Notification)
async def skipped(notification_id: PathId, ask: Asking) -> dict[str, Any]:
    """Records the dose as skipped."""
    return await ask.write(
        lambda session, who: answers.by_notification(session, who, notification_id, status="skipped", now=ask.now)
    )


@router.delete("/{notification_id}", status_code=204)
async def delete(notification_id: PathId, ask: Asking) -> None:
    """Gone from the bell; that it was told stays known."""
    await ask.write(lambda session, who: inbox.delete(session, who, notification_id, now=ask.now))
