"""One row per tick that was taken up, keyed by the second it stands for."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base


class Pulse(Base):
    __tablename__ = "pulses"

    slot_at: Mapped[datetime] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    source: Mapped[str]  # beat, or the watchdog of the worker that noticed its silence


class Outage(Base):
    """No tick was taken up in between: nobody was told, closed or woken."""

    __tablename__ = "outages"

    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "ended_at"),
        CheckConstraint("ended_at > began_at", name="has_lasted"),
    )
