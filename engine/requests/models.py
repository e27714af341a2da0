"""The first answer to a request, under the key its sender chose (or the double-click key we derive)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, Small


class AnsweredRequest(Base):
    __tablename__ = "answered_requests"

    user_id: Mapped[BigId] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[Small | None]
    answer: Mapped[dict[str, Any] | None]
    recorded_at: Mapped[datetime]

    __table_args__ = (Index(None, "recorded_at"),)
