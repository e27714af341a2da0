"""One row per tick that was taken up, keyed by the second it stands for."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base


class Pulse(Base):
    __tablename__ = "pulses"

    slot_at: Mapped[datetime] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime]
    source: Mapped[str]  # beat, or the watchdog of the worker that noticed its silence
