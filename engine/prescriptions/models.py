"""Prescriptions and their lines. The expiry sweep looks for `next_notice_at`: cost follows what is due."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId, Small


class Prescription(Base):
    """What a doctor ordered on one sheet, and until when it is valid."""

    __tablename__ = "prescriptions"

    id: Mapped[RowId]
    user_id: Mapped[BigId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    doctor_name: Mapped[str]
    hospital_clinic: Mapped[str | None]
    prescription_date: Mapped[date]
    valid_until: Mapped[date | None]
    notes: Mapped[str | None]
    is_active: Mapped[bool]
    next_notice_at: Mapped[datetime | None]  # 09:00 of the person's day, at the next threshold
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "id"),
        Index(None, "next_notice_at", postgresql_where=text("next_notice_at IS NOT NULL")),
    )


class PrescriptionLine(Base):
    """One medicine ordered; it may not be on the person's shelf yet."""

    __tablename__ = "prescription_medicines"

    id: Mapped[RowId]
    user_id: Mapped[BigId]
    prescription_id: Mapped[BigId]
    position: Mapped[Small]
    medicine_id: Mapped[BigId | None]
    medicine_name: Mapped[str]
    dosage: Mapped[str]
    frequency: Mapped[str]
    duration_days: Mapped[int | None]
    instructions: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "prescription_id"], ["prescriptions.user_id", "prescriptions.id"], ondelete="CASCADE"
        ),
        # a line outlives its medicine; without this, no person with a linked line could be erased
        ForeignKeyConstraint(
            ["user_id", "medicine_id"], ["medicines.user_id", "medicines.id"], ondelete="SET NULL (medicine_id)"
        ),
        Index(None, "user_id", "prescription_id", "position"),
    )
