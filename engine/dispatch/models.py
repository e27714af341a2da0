"""Where each shard's sweeps have got to, and the instants at which a dose must be looked at again."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, Small


class Shard(Base):
    """The lease and the cursors of one shard. Whoever holds the row's lock sweeps; a crash lets go of both."""

    __tablename__ = "shards"

    shard: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    claimed_due_at: Mapped[datetime]
    claimed_id: Mapped[BigId]
    closed_closes_at: Mapped[datetime]
    closed_id: Mapped[BigId]


class Wakeup(Base):
    """Look at this dose again at this instant: a snooze, or the later close of a window that an outage ran through."""

    __tablename__ = "wakeups"

    reminder_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_date: Mapped[date] = mapped_column(primary_key=True)
    slot: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    segment: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    step: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    shard: Mapped[Small]
    user_id: Mapped[BigId]
    dose_id: Mapped[BigId]
    wake_at: Mapped[datetime]
    recorded_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "shard", "wake_at"),
        CheckConstraint("kind IN ('snooze', 'close')", name="known_kind"),
    )
