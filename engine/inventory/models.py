"""The ledger's two tables."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId, Stock


class StockAccount(Base):
    """The balance of one medicine. Its row is what writers of the ledger queue up on."""

    __tablename__ = "stocks"

    medicine_id: Mapped[BigId] = mapped_column(BigInteger, primary_key=True)
    user_id: Mapped[BigId]
    on_hand: Mapped[Stock]
    min_stock_alert: Mapped[Stock]  # at or below this the person hears of it, once per crossing
    seq: Mapped[int]  # of the last entry
    updated_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "medicine_id"], ["medicines.user_id", "medicines.id"], ondelete="CASCADE"),
        CheckConstraint("on_hand >= 0", name="never_below_zero"),
    )


class StockEntry(Base):
    """One change of a balance. Appended, never edited: a correction is an entry of its own."""

    __tablename__ = "inventory_history"

    id: Mapped[RowId]
    user_id: Mapped[BigId]
    medicine_id: Mapped[BigId]
    seq: Mapped[int]
    change_amount: Mapped[Stock]
    change_type: Mapped[str]
    previous_stock: Mapped[Stock]
    new_stock: Mapped[Stock]
    shortfall: Mapped[Stock] = mapped_column(default=Decimal(0))
    dose_id: Mapped[BigId | None]  # the dose that was taken
    log_id: Mapped[BigId | None]  # the revision of its outcome that posted this
    reverses_id: Mapped[BigId | None]
    notes: Mapped[str | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[BigId | None]

    __table_args__ = (
        ForeignKeyConstraint(["user_id", "medicine_id"], ["medicines.user_id", "medicines.id"], ondelete="CASCADE"),
        UniqueConstraint("medicine_id", "seq"),
        # one outcome posts one entry, and an entry is reversed once: however often the request comes
        Index("uq_inventory_history_log_id", "log_id", unique=True, postgresql_where=text("log_id IS NOT NULL")),
        Index(
            "uq_inventory_history_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(None, "user_id", "recorded_at", "id"),
        CheckConstraint("new_stock = previous_stock + change_amount", name="adds_up"),
        CheckConstraint("new_stock >= 0 AND shortfall >= 0", name="never_below_zero"),
        CheckConstraint("change_type IN ('added', 'consumed', 'adjusted', 'expired')", name="known_type"),
    )
