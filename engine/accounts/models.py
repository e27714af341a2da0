"""People and their sign-ins. Secrets are kept as hashes only."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from engine.tables import Base, BigId, RowId, Small


class User(Base):
    """A person, whoever signs in for them."""

    __tablename__ = "users"

    id: Mapped[RowId]
    shard: Mapped[Small]
    email: Mapped[str | None]  # as typed; null for a dependant without credentials
    email_key: Mapped[str | None]  # canonical: what makes two spellings one account
    password_hash: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None]
    time_zone: Mapped[str]
    time_zone_is_assumed: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_users_email_key", "email_key", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )


class TimeZoneEntry(Base):
    """From this instant on the person's clock shows this zone. Entries are added, never edited."""

    __tablename__ = "time_zone_history"

    user_id: Mapped[BigId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    time_zone: Mapped[str]
    recorded_at: Mapped[datetime]


class SignIn(Base):
    """One signed-in device: a family of refresh tokens that is revoked together."""

    __tablename__ = "sessions"

    id: Mapped[RowId]
    user_id: Mapped[BigId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    is_remembered: Mapped[bool]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(Base):
    """A link in the chain of a session. The successor is derived from the parent, so all who refresh one
    token get the same one; presenting a token whose successor was used ends the family."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[BigId] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    parent_hash: Mapped[str | None]
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("parent_hash"), Index(None, "session_id"))
