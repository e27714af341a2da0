"""Facts become notifications, in the transaction that recorded them.

The edge calls `tell` before it commits, so a low stock is told if and only if it happened. Doses do not pass through
here: a hundred thousand are due at once, and `dispatch` moves them in statements of its own.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.events import log
from engine.events.facts import Fact, PrescriptionExpiring, StockLow
from engine.notifications.channels import USABLE

KEEP_TRYING = timedelta(days=1)  # after this a message would mislead

_INSERT = text(
    "WITH told AS (INSERT INTO notifications"
    " (subject_id, key_date, slot, segment, kind, user_id, medicine_id, data, created_at)"
    " VALUES (:subject_id, :key_date, :slot, 0, :kind, :user_id, :medicine_id, CAST(:data AS jsonb), :now)"
    " ON CONFLICT DO NOTHING RETURNING id, user_id, key_date),"
    " queued AS (INSERT INTO outbox (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    "  SELECT t.id, c.id, 0, t.user_id, t.key_date, :now, :expires_at FROM told t"
    f"  JOIN channels c ON c.user_id = t.user_id AND {USABLE})"
    " SELECT count(*) FROM told"
)


@dataclass(frozen=True, slots=True)
class Telling:
    """One notification to make: its claim and what its words need."""

    kind: str
    subject_id: int
    key_date: date
    slot: int
    medicine_id: int | None
    data: dict[str, Any]


def telling(fact: Fact) -> Telling | None:
    """Pure: what a person is told about a fact; None if they already know."""
    match fact:
        case StockLow():
            return Telling(
                "low_stock",
                fact.medicine_id,
                fact.local_date,
                fact.entry_seq,
                fact.medicine_id,
                {"on_hand": float(fact.on_hand)},
            )
        case PrescriptionExpiring():
            data = {"days_left": fact.days_left, "valid_until": fact.valid_until.isoformat()}
            day = fact.valid_until - timedelta(days=fact.threshold_days)
            return Telling("prescription_expiry", fact.prescription_id, day, fact.threshold_days, None, data)
    return None


def tell(session: Session, *, now: datetime) -> int:
    """Plan for every fact of this transaction; returns how many were new. The last call before the commit."""
    planned = [(fact.user_id, told) for fact in log.take_untold(session) if (told := telling(fact))]
    return sum(_insert(session, user_id, told, now) for user_id, told in planned)


def _insert(session: Session, user_id: int, told: Telling, now: datetime) -> int:
    values = {
        "kind": told.kind,
        "subject_id": told.subject_id,
        "key_date": told.key_date,
        "slot": told.slot,
        "medicine_id": told.medicine_id,
        "user_id": user_id,
        "data": json.dumps(told.data),
        "now": now,
        "expires_at": now + KEEP_TRYING,
    }
    return int(session.execute(_INSERT, values).scalar_one())
