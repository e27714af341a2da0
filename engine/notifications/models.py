"""Notifications, channels, the outbox and the record of deliveries. No foreign keys in the hot tables."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Sequence, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId, Small, WallClock, Xid

NOTIFICATION_ID = Sequence("notification_ids", metadata=Base.metadata)


class Notification(Base):
    """One thing a person is told, once. The key is (kind, subject, day, slot, segment): of a dose its identity;
    of a low stock the medicine, the day and the ledger entry; of an expiry the prescription and its threshold."""

    __tablename__ = "notifications"

    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_date: Mapped[date] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    segment: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[BigId] = mapped_column(NOTIFICATION_ID, server_default=NOTIFICATION_ID.next_value())
    xid: Mapped[Xid]
    user_id: Mapped[BigId]
    dose_id: Mapped[BigId | None]
    medicine_id: Mapped[BigId | None]
    rule_version: Mapped[int | None]
    due_at: Mapped[datetime | None]
    planned_local: Mapped[WallClock | None]
    data: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    action_taken: Mapped[str | None]
    deleted_at: Mapped[datetime | None]  # the person deleted it; the claim stays

    __table_args__ = (
        Index(None, "user_id", "xid", "id"),
        CheckConstraint("kind IN ('due', 'missed', 'low_stock', 'prescription_expiry')", name="known_kind"),
        {"postgresql_partition_by": "RANGE (key_date)"},
    )


class Channel(Base):
    """A way to reach a person outside the app. The address is encrypted; `label` is its masked form."""

    __tablename__ = "channels"

    id: Mapped[RowId]
    user_id: Mapped[BigId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    address: Mapped[bytes]  # typed fields as JSON, encrypted
    label: Mapped[str]
    is_enabled: Mapped[bool]
    confirmed_at: Mapped[datetime | None]
    usable_until_at: Mapped[datetime | None]  # an address nobody confirmed is used for three days
    created_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "user_id"),
        CheckConstraint("kind IN ('email')", name="known_kind"),
    )


class OutboxStep(Base):
    """A message to hand over: at most one per notification, channel and step.

    `ready_at` is when to try: the lease moves it ahead while a sender works, so a sender that died is
    overtaken by itself. `fence` counts claims; a result with an old fence is refused.
    """

    __tablename__ = "outbox"

    notification_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    step: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[BigId]
    key_date: Mapped[date]  # of the notification: finds its partition
    ready_at: Mapped[datetime]
    expires_at: Mapped[datetime]  # after this the message would mislead: settled as expired
    attempts: Mapped[Small] = mapped_column(default=0, server_default=text("0"))
    fence: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    leased_until_at: Mapped[datetime | None]  # set: a sender is (or died) between claim and settle

    __table_args__ = (Index(None, "ready_at"),)


class Delivery(Base):
    """What became of one try. Partitioned by month, kept as the proof of having told."""

    __tablename__ = "deliveries"

    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    step: Mapped[Small] = mapped_column(primary_key=True, autoincrement=False)
    fence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[BigId]
    outcome: Mapped[str]
    code: Mapped[str | None]
    may_repeat: Mapped[bool]  # an earlier sender died between send and settle: the person may have it twice

    __table_args__ = (
        Index(None, "notification_id"),  # was this told? (the closing sweep asks)
        Index(None, "channel_id", "recorded_at"),  # how often today? (of an unconfirmed address)
        CheckConstraint(
            "outcome IN ('sent', 'refused', 'failed', 'expired', 'withheld', 'withdrawn')", name="known_outcome"
        ),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )
