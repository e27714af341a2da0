"""Hand messages over: lease and commit; send outside any transaction; settle in a second transaction.

A lease is a visibility timeout: while a sender works, `ready_at` lies ahead. If it dies, the step comes up again by
itself (that is the rescue), under a higher fence, marked as one the person may see twice. A result that comes back
under an old fence is refused. At least once; twice only if a sender died between send and settle, or if the relay took
the message and did not say what became of it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from engine.notifications.channels import UNCONFIRMED_PER_DAY
from engine.notifications.retry import next_try
from engine.notifications.rows import RENDERED
from engine.notifications.wording import Words, outside

LEASE = timedelta(seconds=45)  # longer than a relay may hang (see settings.py), shorter than a person waits twice
BATCH = 40
UNSURE = "smtp_unsure"  # of a try that failed: the relay may have the message all the same
UNSURE_AGAIN = timedelta(minutes=1)  # long enough for a relay that was slow to have come to itself

_LEASE = text(
    "WITH ready AS (SELECT notification_id, channel_id, step FROM outbox WHERE ready_at <= :now"
    "  ORDER BY ready_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
    " UPDATE outbox o SET ready_at = :until, leased_until_at = :until, fence = o.fence + 1 FROM ready r"
    " WHERE o.notification_id = r.notification_id AND o.channel_id = r.channel_id AND o.step = r.step"
    " RETURNING o.notification_id, o.channel_id, o.step, o.user_id, o.key_date, o.attempts, o.fence, o.expires_at"
)
_RENEW = text(
    "UPDATE outbox SET ready_at = :until, leased_until_at = :until"
    " WHERE notification_id = :notification_id AND channel_id = :channel_id AND step = :step AND fence = :fence"
)
_DETAILS = text(
    "SELECT o.notification_id, o.channel_id, o.step, c.kind AS channel_kind, c.address, c.is_enabled, c.confirmed_at,"
    " c.usable_until_at, n.*,"
    " n.kind IN ('due', 'missed') AND EXISTS (SELECT FROM reminder_logs l WHERE l.reminder_id = n.subject_id"
    "  AND l.key_date = n.key_date AND l.slot = n.slot AND l.segment = n.segment AND l.superseded_at IS NULL"
    "  AND l.status <> CASE n.kind WHEN 'due' THEN 'open' ELSE 'missed' END) AS is_settled"
    " FROM outbox o JOIN channels c ON c.id = o.channel_id"
    f" JOIN LATERAL ({RENDERED} WHERE n.key_date = o.key_date AND n.user_id = o.user_id AND n.id = o.notification_id)"
    "  n ON true"
    " WHERE o.notification_id = ANY(:ids) AND o.leased_until_at = :until"
)
# Held until the lease commits, so that of two senders the second counts what the first is about to send.
_UNCONFIRMED = text(
    "SELECT id FROM channels WHERE id = ANY(:channel_ids) AND confirmed_at IS NULL ORDER BY id FOR NO KEY UPDATE"
)
_USED = text(
    "SELECT channel_id, count(*) FROM ("
    "SELECT channel_id FROM deliveries WHERE channel_id = ANY(:channel_ids) AND recorded_at > :a_day_ago"
    "  AND outcome = 'sent' UNION ALL"
    " SELECT channel_id FROM outbox WHERE channel_id = ANY(:channel_ids) AND leased_until_at IS NOT NULL"
    "  AND ready_at > :now AND notification_id <> ALL(:ids)) used GROUP BY channel_id"
)
_SETTLE = text(
    "WITH done AS (DELETE FROM outbox WHERE notification_id = :notification_id AND channel_id = :channel_id"
    " AND step = :step AND fence = :fence RETURNING 1)"
    " INSERT INTO deliveries"
    " (recorded_at, notification_id, channel_id, step, fence, user_id, outcome, code, may_repeat)"
    " SELECT :now, :notification_id, :channel_id, :step, :fence, :user_id, :outcome, :code, :may_repeat FROM done"
    " RETURNING 1"
)
_POSTPONE = text(
    "UPDATE outbox SET ready_at = :again_at, attempts = attempts + :is_sure, leased_until_at = NULL"
    " WHERE notification_id = :notification_id AND channel_id = :channel_id AND step = :step AND fence = :fence"
    " RETURNING 1"
)
_IS_READY = text("SELECT EXISTS (SELECT FROM outbox WHERE ready_at <= :now)")


@dataclass(frozen=True, slots=True)
class Leased:
    """A step this sender alone may settle, as long as its fence is the newest."""

    notification_id: int
    channel_id: int
    step: int
    user_id: int
    key_date: date
    attempts: int
    fence: int
    expires_at: datetime

    @property
    def key(self) -> tuple[int, int, int]:
        return (self.notification_id, self.channel_id, self.step)

    @property
    def may_repeat(self) -> bool:
        """An earlier lease ended without a sure result: its sender may have sent before it died, or the relay may have
        taken what it never answered for. `attempts` counts those that surely failed."""
        return self.fence > self.attempts + 1


@dataclass(frozen=True, slots=True)
class Message:
    """What to hand over. `withhold` says why not to; the step is then settled without sending."""

    leased: Leased
    channel_kind: str
    address: bytes
    words: Words
    dose_id: int | None
    channel_is_confirmed: bool
    withhold: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try: sent, refused (by the recipient's side), or failed (ours: try again)."""

    leased: Leased
    outcome: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    sent: int = 0
    postponed: int = 0
    given_up: int = 0
    stale: int = 0


def is_ready(session: Session, *, now: datetime) -> bool:
    """Is anything waiting to be sent?"""
    return bool(session.scalar(_IS_READY, {"now": now}))


def lease(session: Session, *, now: datetime, limit: int = BATCH) -> list[Message]:
    """Claim steps that are ready. Commit before sending: another sender must see that they are taken."""
    until = now + LEASE
    rows = session.execute(_LEASE, {"now": now, "until": until, "limit": limit}).mappings().all()
    leased = [Leased(**row) for row in rows]
    if not leased:
        return []
    details = session.execute(_DETAILS, {"ids": [each.notification_id for each in leased], "until": until}).mappings()
    by_key = {(row["notification_id"], row["channel_id"], row["step"]): row for row in details}
    used = _used(session, leased, now)
    return [_message(each, by_key.get(each.key), used, now) for each in leased]


def renew(session: Session, leased: Iterable[Leased], *, now: datetime) -> None:
    """Somebody is still at these: a relay may take its time over every word. Not if another has taken over."""
    for each in leased:
        key = {name: getattr(each, name) for name in ("notification_id", "channel_id", "step", "fence")}
        session.execute(_RENEW, key | {"until": now + LEASE})


def _used(session: Session, leased: list[Leased], now: datetime) -> Counter[int]:
    """What an unconfirmed address has had in the last day, and what other senders have in hand for it."""
    unconfirmed = list(session.scalars(_UNCONFIRMED, {"channel_ids": list({each.channel_id for each in leased})}))
    if not unconfirmed:
        return Counter()
    mine = [each.notification_id for each in leased]
    values = {"channel_ids": unconfirmed, "ids": mine, "a_day_ago": now - timedelta(days=1), "now": now}
    return Counter({row.channel_id: row.count for row in session.execute(_USED, values)})


def settle(session: Session, results: Iterable[Result], *, now: datetime) -> Settled:
    """Record what became of each try. Safe to run twice: a step is settled under its fence, once."""
    counts = {"sent": 0, "postponed": 0, "given_up": 0, "stale": 0}
    for result in results:
        counts[_settle_one(session, result, now)] += 1
    return Settled(**counts)


def _settle_one(session: Session, result: Result, now: datetime) -> str:
    leased = result.leased
    key: dict[str, Any] = {
        "notification_id": leased.notification_id,
        "channel_id": leased.channel_id,
        "step": leased.step,
        "fence": leased.fence,
    }
    again_at = _again_at(result, now)
    if result.outcome == "failed" and again_at and again_at < leased.expires_at:
        postponed = {"again_at": again_at, "is_sure": int(result.code != UNSURE)}
        return "postponed" if session.execute(_POSTPONE, key | postponed).all() else "stale"
    values = {
        "now": now,
        "user_id": leased.user_id,
        "outcome": result.outcome,
        "code": result.code,
        "may_repeat": leased.may_repeat,
    }
    if not session.execute(_SETTLE, key | values).all():
        return "stale"
    return "sent" if result.outcome == "sent" else "given_up"


def _again_at(result: Result, now: datetime) -> datetime | None:
    """When to try again; None if the person may have had it twice by then, and would get it a third time."""
    if result.code != UNSURE:
        return next_try(result.leased.attempts + 1, now)
    return None if result.leased.may_repeat else now + UNSURE_AGAIN


def _message(leased: Leased, row: RowMapping | None, used: Counter[int], now: datetime) -> Message:
    """`used` is counted on: what this batch holds for an unconfirmed address counts as had."""
    if row is None:  # its channel or its notification has gone; unsettled it would come up for ever
        return Message(leased, "", b"", Words("", ""), None, channel_is_confirmed=False, withhold="withdrawn")
    is_confirmed = row["confirmed_at"] is not None
    withhold = _why_not(leased, row, used[leased.channel_id], now)
    if not is_confirmed and withhold is None:
        used[leased.channel_id] += 1
    return Message(
        leased=leased,
        channel_kind=row["channel_kind"],
        address=row["address"],
        words=outside(row, is_confirmed=is_confirmed),
        dose_id=row["dose_id"],
        channel_is_confirmed=is_confirmed,
        withhold=withhold,
    )


def _why_not(leased: Leased, row: RowMapping, used: int, now: datetime) -> str | None:
    """Human beats clock: an answered dose is not announced any more, nor is one called missed that was taken."""
    if row["is_settled"]:
        return "withdrawn"
    if now >= leased.expires_at:
        return "expired"
    if not row["is_enabled"]:
        return "withheld"
    if row["confirmed_at"] is None and (used >= UNCONFIRMED_PER_DAY or row["usable_until_at"] <= now):
        return "withheld"
    return None
