"""The bell: list, read, delete. Deleting hides; the row stays, because it is the claim on having told."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses.lookup import DoseRef
from engine.errors import NotFound
from engine.notifications.rows import RENDERED, view
from engine.notifications.wording import TYPES

_MINE = " WHERE n.user_id = :user_id AND n.deleted_at IS NULL"
_WANTED = (
    _MINE + " AND (CAST(:kinds AS text[]) IS NULL OR n.kind = ANY(:kinds))"
    " AND (CAST(:is_read AS boolean) IS NULL OR (n.read_at IS NOT NULL) = :is_read)"
)
_LIST = text(f"{RENDERED}{_WANTED} ORDER BY n.id DESC LIMIT :limit OFFSET :offset")
_TOTAL = text(f"SELECT count(*) FROM notifications n{_WANTED}")
_ONE = text(f"{RENDERED}{_MINE} AND n.id = :notification_id")
_COUNTS = text(
    "SELECT count(*) AS total, count(*) FILTER (WHERE read_at IS NULL) AS unread FROM notifications n" + _MINE
)
_READ = text("UPDATE notifications n SET read_at = :now" + _MINE + " AND n.id = :notification_id AND read_at IS NULL")
_READ_ALL = text("UPDATE notifications n SET read_at = :now" + _MINE + " AND read_at IS NULL RETURNING 1")
_DELETE = text("UPDATE notifications n SET deleted_at = :now" + _MINE + " AND n.id = :notification_id RETURNING 1")
_DELETE_ALL = text("UPDATE notifications n SET deleted_at = :now" + _MINE + " RETURNING 1")
_ANSWERED = text(
    "UPDATE notifications SET read_at = coalesce(read_at, :now), action_taken = :action WHERE subject_id = :reminder_id"
    " AND key_date = :key_date AND slot = :slot AND segment = :segment AND kind IN ('due', 'missed')"
)


def listing(
    session: Session, who: Who, *, page: int, per_page: int, is_read: bool | None = None, kind: str | None = None
) -> tuple[list[dict[str, Any]], int]:
    """One page, newest first, and how many there are. `kind` is a type the client knows (`reminder`, `low_stock`…)."""
    wanted = {
        "user_id": who.person.id,
        "kinds": [name for name, shown in TYPES.items() if shown == kind] if kind else None,
        "is_read": is_read,
    }
    rows = session.execute(_LIST, wanted | {"limit": per_page, "offset": (page - 1) * per_page}).mappings()
    return [view(row) for row in rows], session.execute(_TOTAL, wanted).scalar_one()


def counts(session: Session, who: Who) -> dict[str, int]:
    row = session.execute(_COUNTS, {"user_id": who.person.id}).one()
    return {"total": row.total, "unread": row.unread}


def one(session: Session, who: Who, notification_id: int) -> dict[str, Any]:
    """Raises NotFound for a stranger's, a deleted one, or none."""
    row = session.execute(_ONE, _named(who, notification_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("notification_not_found", "There is no such notification.")
    return view(row)


def mark_read(session: Session, who: Who, notification_id: int, *, now: datetime) -> dict[str, Any]:
    session.execute(_READ, _named(who, notification_id) | {"now": now})
    return one(session, who, notification_id)


def mark_all_read(session: Session, who: Who, *, now: datetime) -> int:
    return len(session.execute(_READ_ALL, {"user_id": who.person.id, "now": now}).all())


def delete(session: Session, who: Who, notification_id: int, *, now: datetime) -> None:
    """Raises NotFound if there is none to delete."""
    if not session.execute(_DELETE, _named(who, notification_id) | {"now": now}).all():
        raise NotFound("notification_not_found", "There is no such notification.")


def delete_all(session: Session, who: Who, *, now: datetime) -> int:
    return len(session.execute(_DELETE_ALL, {"user_id": who.person.id, "now": now}).all())


def mark_answered(session: Session, *, dose: DoseRef, action: str | None, now: datetime) -> None:
    """The bell's rows of this dose have been acted on; `action` None: the answer was undone."""
    values = {name: getattr(dose, name) for name in ("reminder_id", "key_date", "slot", "segment")}
    session.execute(_ANSWERED, values | {"action": action, "now": now})


def _named(who: Who, notification_id: int) -> dict[str, int]:
    return {"user_id": who.person.id, "notification_id": notification_id}
