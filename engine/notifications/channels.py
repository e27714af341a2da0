"""A person's ways of being reached outside the app.

An address nobody has confirmed is used for three days, with text that says nothing about health, ten times a day
at most: enough to be reminded, too little to pester a stranger whose address was mistyped.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from engine.accounts import profile
from engine.accounts.access import Who
from engine.notifications.addresses import masked_email, seal
from engine.notifications.models import Channel

UNCONFIRMED_FOR = timedelta(days=3)
UNCONFIRMED_PER_DAY = 10

# The channels a message may go to now; `c` in the statements that queue messages.
USABLE = "c.is_enabled AND (c.confirmed_at IS NOT NULL OR c.usable_until_at > :now)"


def add_email(session: Session, person_id: int, address: str, *, now: datetime) -> int:
    """The person's e-mail becomes a channel; returns its id."""
    values: dict[str, Any] = {
        "user_id": person_id,
        "kind": "email",
        "address": seal({"to": address}),
        "label": masked_email(address),
        "is_enabled": True,
        "usable_until_at": now + UNCONFIRMED_FOR,
        "created_at": now,
    }
    return session.execute(insert(Channel).returning(Channel.id), values).scalar_one()


def ensure_email(session: Session, person_id: int, *, now: datetime) -> None:
    """For a person who joined before there was a relay: their address, unless they ever had an e-mail channel."""
    has_one = select(exists().where(Channel.user_id == person_id, Channel.kind == "email"))
    if not session.execute(has_one).scalar_one():
        address = profile.email_of(session, person_id)
        if address:
            add_email(session, person_id, address, now=now)


def listing(session: Session, who: Who) -> list[dict[str, Any]]:
    """The person's channels, addresses masked."""
    columns = (Channel.id, Channel.kind, Channel.label, Channel.is_enabled, Channel.confirmed_at)
    rows = session.execute(select(*columns).where(Channel.user_id == who.person.id).order_by(Channel.id))
    return [dict(row) for row in rows.mappings()]


def confirm(session: Session, channel_id: int, *, now: datetime) -> int | None:
    """Whoever reads mail at this address said so; returns whose it is. Confirming twice keeps the first time."""
    session.execute(
        update(Channel).where(Channel.id == channel_id, Channel.confirmed_at.is_(None)).values(confirmed_at=now)
    )
    return session.execute(select(Channel.user_id).where(Channel.id == channel_id)).scalar_one_or_none()
