"""Which shards have work, and the lease under which one is swept.

The lease is a row lock: it dies with its holder, so there is no expiry to tune and nothing to hand back. The cursors
move in the transaction that does the work: kill -9 anywhere repeats a batch and nothing else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.tables import SHARDS

EVERY = range(SHARDS)

_BUSY = text(
    "SELECT s.shard FROM shards s WHERE"
    " EXISTS (SELECT FROM doses d WHERE d.shard = s.shard"
    "  AND (d.due_at, d.id) > (s.claimed_due_at, s.claimed_id) AND d.due_at > :since AND d.due_at <= :until)"
    " OR EXISTS (SELECT FROM doses d WHERE d.shard = s.shard"
    "  AND (d.closes_at, d.id) > (s.closed_closes_at, s.closed_id) AND d.closes_at > :since AND d.closes_at <= :until)"
    " OR EXISTS (SELECT FROM wakeups w WHERE w.shard = s.shard AND w.wake_at > :since AND w.wake_at <= :until)"
    " ORDER BY s.shard"
)
EVER = datetime.min.replace(year=1900, tzinfo=UTC)  # before any dose
_LEASE = text(
    "SELECT shard, claimed_due_at, claimed_id, closed_closes_at, closed_id FROM shards WHERE shard = :shard"
    " FOR UPDATE SKIP LOCKED"
)
_NEEDS = text(
    "SELECT EXISTS (SELECT FROM doses d WHERE d.shard = :shard AND (d.due_at, d.id) > (:claimed_at, :claimed_id)"
    "  AND d.due_at <= :now) AS claiming,"
    " EXISTS (SELECT FROM doses d WHERE d.shard = :shard AND (d.closes_at, d.id) > (:closed_at, :closed_id)"
    "  AND d.closes_at <= :now) AS closing,"
    " EXISTS (SELECT FROM wakeups w WHERE w.shard = :shard AND w.wake_at <= :now) AS waking"
)
_MOVE_CLAIMED = text("UPDATE shards SET claimed_due_at = :at, claimed_id = :id WHERE shard = :shard")
_MOVE_CLOSED = text("UPDATE shards SET closed_closes_at = :at, closed_id = :id WHERE shard = :shard")


@dataclass(frozen=True, slots=True)
class Lease:
    """One shard, ours until the transaction ends, and where its sweeps have got to."""

    shard: int
    claimed_due_at: datetime
    claimed_id: int
    closed_closes_at: datetime
    closed_id: int


@dataclass(frozen=True, slots=True)
class Needs:
    """Which of the three sweeps have something to do in a shard."""

    claiming: bool
    closing: bool
    waking: bool


def busy(session: Session, *, since: datetime = EVER, until: datetime) -> list[int]:
    """Shards with a dose to claim or close, or a wake-up, after `since` and at or before `until`."""
    return list(session.scalars(_BUSY, {"since": since, "until": until}))


def lease(session: Session, shard: int) -> Lease | None:
    """Take a shard for this transaction; None if somebody is sweeping it."""
    row = session.execute(_LEASE, {"shard": shard}).one_or_none()
    return Lease(**row._mapping) if row else None


def needs(session: Session, lease: Lease, *, now: datetime) -> Needs:
    """Three probes instead of three sweeps: in a spike nearly every shard needs only one of them."""
    values = {
        "shard": lease.shard,
        "claimed_at": lease.claimed_due_at,
        "claimed_id": lease.claimed_id,
        "closed_at": lease.closed_closes_at,
        "closed_id": lease.closed_id,
        "now": now,
    }
    return Needs(**session.execute(_NEEDS, values).one()._mapping)


def move_claimed(session: Session, shard: int, at: datetime, dose_id: int) -> None:
    session.execute(_MOVE_CLAIMED, {"shard": shard, "at": at, "id": dose_id})


def move_closed(session: Session, shard: int, at: datetime, dose_id: int) -> None:
    session.execute(_MOVE_CLOSED, {"shard": shard, "at": at, "id": dose_id})
