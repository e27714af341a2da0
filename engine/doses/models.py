"""Doses and their outcomes. No foreign keys: rows move in bulk, and the invariants are checked instead."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Sequence, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Amount, Base, BigId, RowId, Small, WallClock

DOSE_ID = Sequence("dose_ids", metadata=Base.metadata)


class Dose(Base):
    """One occurrence we have committed to. What came of it is elsewhere, so the row never changes once due."""

    __tablename__ = "doses"

    reminder_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_date: Mapped[date] = mapped_column(primary_key=True)  # planned local date
    slot: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    segment: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[BigId]  # public, below 2^53; the day is in its high bits (see identity.py)
    user_id: Mapped[BigId]
    medicine_id: Mapped[BigId]
    shard: Mapped[Small]
    rule_version: Mapped[int]
    due_at: Mapped[datetime]
    closes_at: Mapped[datetime]  # nobody said anything by then: missed, or not reminded
    planned_local: Mapped[WallClock]
    time_zone: Mapped[str]
    amount: Mapped[Amount]
    adjusted: Mapped[str | None]  # 'gap' and the like: why the clock shows another time than the rule
    planned_at: Mapped[datetime]  # after due_at: born with an open window, may be told, never counted missed

    __table_args__ = (
        Index(None, "shard", "due_at", "id"),  # the claiming cursor
        Index(None, "shard", "closes_at", "id"),  # the closing cursor
        # none by person: a person's doses are those of their reminders (see `lookup.OF_PERSON`)
        CheckConstraint("closes_at > due_at", name="window_after_due"),
        {"postgresql_partition_by": "RANGE (key_date)"},
    )


class DoseOutcome(Base):
    """One revision of what came of a dose, or one intake without a dose (reminder_id is null)."""

    __tablename__ = "reminder_logs"

    id: Mapped[RowId]
    user_id: Mapped[BigId]
    medicine_id: Mapped[BigId]
    reminder_id: Mapped[BigId | None]
    key_date: Mapped[date]
    slot: Mapped[Small | None]
    segment: Mapped[Small | None]
    event_key: Mapped[str | None]  # of an as-needed or unscheduled intake, instead of a dose's identity
    dose_id: Mapped[BigId | None]
    revision: Mapped[Small]
    status: Mapped[str]
    rule_version: Mapped[int | None]
    due_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    planned_local: Mapped[WallClock | None]
    time_zone: Mapped[str]
    amount: Mapped[Amount]
    taken_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[BigId | None]  # null: the engine inferred it
    source: Mapped[str]
    reason: Mapped[str | None]
    notes: Mapped[str | None]
    superseded_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("reminder_id", "key_date", "slot", "segment", "revision"),
        # at most one revision is current: of two who answer at once, one is first and the other sees it
        Index(
            "uq_reminder_logs_current",
            "reminder_id",
            "key_date",
            "slot",
            "segment",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index(
            "uq_reminder_logs_event_key",
            "user_id",
            "event_key",
            "revision",
            unique=True,
            postgresql_where=text("event_key IS NOT NULL"),
        ),
        Index(None, "user_id", "key_date"),
        CheckConstraint(
            "status IN ('open', 'taken', 'skipped', 'missed', 'not_reminded', 'cancelled')", name="known_status"
        ),
        CheckConstraint("(status = 'taken') = (taken_at IS NOT NULL)", name="taken_has_its_time"),
        CheckConstraint("source IN ('app', 'link', 'carer', 'engine')", name="known_source"),
        CheckConstraint("(reminder_id IS NULL) = (event_key IS NOT NULL)", name="dose_or_intake"),
    )
