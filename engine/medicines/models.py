"""A person's medicines. Deleting hides: history keeps the name it was recorded under."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId


class Medicine(Base):
    """One medicine of one person."""

    __tablename__ = "medicines"

    id: Mapped[RowId]
    user_id: Mapped[BigId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    name_key: Mapped[str]  # casefolded in Python: two spellings of one name are one medicine
    generic_name: Mapped[str | None]
    dosage: Mapped[str]  # the strength on the box, e.g. "500 mg"
    form: Mapped[str]
    unit: Mapped[str]  # what the stock counts: tablets, ml, puffs
    notes: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("user_id", "id"),  # what others point at, so that no row can name a stranger's
        Index(
            "uq_medicines_user_id_name_key",
            "user_id",
            "name_key",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )
