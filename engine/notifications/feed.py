"""What a person's live stream is sent: notifications and facts as they are committed, and a cursor to come back with.

Rows are ordered by the transaction that wrote them, but transactions commit in another order than they begin. So the
cursor is a *fence*: every transaction below it has ended, and nothing can still appear behind it. What is committed
above the fence is sent at once all the same; it may come again after a reconnect, and its own id tells that it did.
The cursor names the database it belongs to: after a restore it is not understood, and the client starts afresh.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from engine.accounts import access
from engine.notifications.rows import RENDERED, view

BACKLOG_MAX = 500  # more than this is quicker to load afresh than to replay

_POSITION = text(
    "SELECT to_hex(hashint8extended(s.system_identifier, d.oid::bigint) & 9223372036854775807) || 'x' || c.timeline_id"
    " AS epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS fence"
    " FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()"
)
_NOTIFICATIONS = text(
    f"{RENDERED} WHERE n.user_id = :user_id AND n.xid >= CAST(CAST(:since AS text) AS xid8) AND n.deleted_at IS NULL"
    " ORDER BY n.xid, n.id LIMIT :limit"
)
_FACTS = text(
    "SELECT id, xid::text::bigint AS xid, kind, payload FROM events WHERE user_id = :user_id"
    " AND xid >= CAST(CAST(:since AS text) AS xid8) AND kind IN ('dose', 'stock') ORDER BY xid, id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Position:
    """`text` is what a client keeps as `Last-Event-ID`."""

    epoch: str
    fence: int

    @property
    def text(self) -> str:
        return f"{self.epoch}-{self.fence}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to send. `key` is the same when the same thing comes again."""

    event: str
    key: tuple[str, int, int]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """What there is since a fence, and how far it is safe to come back from. `is_too_much`: load afresh."""

    items: list[Item]
    position: Position
    is_too_much: bool


def position(session: Session) -> Position:
    """Here: nothing that was committed before now will be sent from this position on."""
    row = session.execute(_POSITION).one()
    return Position(row.epoch, row.fence)


def since_of(last_event_id: str, here: Position) -> int | None:
    """Where a client that comes back with this cursor left off; None if it cannot be told."""
    epoch, _, fence = last_event_id.rpartition("-")
    if epoch != here.epoch or not (fence.isascii() and fence.isdigit() and len(fence) <= 18):
        return None
    return int(fence) if int(fence) <= here.fence else None


def listen(
    session: Session, user_id: int, session_id: int, person_id: int | None, since: int, *, now: datetime
) -> Heard:
    """Everything committed from `since` on. Raises NotAllowed when the sign-in is over.

    The fence is read before the rows: what commits in between is sent now and, at worst, once more.
    """
    who = access.identify(session, user_id, session_id, person_id, now=now)
    here = position(session)
    values = {"user_id": who.person.id, "since": str(since), "limit": BACKLOG_MAX + 1}
    found = _items(session, _NOTIFICATIONS, values, _notification) + _items(session, _FACTS, values, _fact)
    found.sort(key=lambda item: item.key[2])
    return Heard(found[:BACKLOG_MAX], here, is_too_much=len(found) > BACKLOG_MAX)


def _items(session: Session, statement: Any, values: dict[str, Any], item: Callable[[RowMapping], Item]) -> list[Item]:
    return [item(row) for row in session.execute(statement, values).mappings()]


def _notification(row: RowMapping) -> Item:
    return Item("notification", ("notification", row["id"], row["xid"]), view(row))


def _fact(row: RowMapping) -> Item:
    return Item(row["kind"], (row["kind"], row["id"], row["xid"]), {"id": row["id"]} | row["payload"])
