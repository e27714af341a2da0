"""The table of facts. Partitioned by month; no foreign keys, because facts outlive what they speak of."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Sequence
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, Xid

EVENT_ID = Sequence("event_ids", metadata=Base.metadata)


class Event(Base):
    __tablename__ = "events"

    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, EVENT_ID, server_default=EVENT_ID.next_value(), primary_key=True)
    xid: Mapped[Xid]
    user_id: Mapped[BigId]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "user_id", "xid", "id"),  # the stream: what this person has not been sent yet
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )
