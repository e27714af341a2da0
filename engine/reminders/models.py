"""A reminder and the versions of its rule."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId, Small


class Reminder(Base):
    """A rule's standing: which version is in force, and how far its doses have rows."""

    __tablename__ = "reminders"

    id: Mapped[RowId]
    user_id: Mapped[BigId]
    shard: Mapped[Small]
    medicine_id: Mapped[BigId]
    version: Mapped[int]  # the one in force
    grace_minutes: Mapped[int | None]
    notes: Mapped[str | None]
    is_active: Mapped[bool]
    planned_through_at: Mapped[datetime | None]  # doses due before this have rows; null: nothing more to plan
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "medicine_id"], ["medicines.user_id", "medicines.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "id"),
        # the roll of the horizon: only what must be planned further, never all that exists
        Index(None, "planned_through_at", postgresql_where=text("planned_through_at IS NOT NULL")),
    )


class ReminderVersion(Base):
    """A rule as it was saved, in versioned JSON (`schedules.codec`), with the words its person typed."""

    __tablename__ = "reminder_versions"

    user_id: Mapped[BigId]
    reminder_id: Mapped[BigId] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[dict[str, Any]]
    dosage_amount: Mapped[str | None]  # as typed: "1/2"
    dosage_unit: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[BigId]

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "reminder_id"], ["reminders.user_id", "reminders.id"], ondelete="CASCADE"),
    )
