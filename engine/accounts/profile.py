"""What a person says about themselves, and the time zones they have lived in.

The zone of an account may be assumed (nobody said) until it is chosen; each change is a dated entry in
`time_zone_history`. Moving the doses along is not done here but above, in `dispatch`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Subquery, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.accounts.models import TimeZoneEntry, User
from engine.accounts.registration import known_zone
from engine.errors import NotFound

FIELDS = ("first_name", "last_name", "phone")
_ME = select(
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    User.phone,
    User.time_zone,
    User.time_zone_is_assumed,
    User.created_at,
    User.updated_at,
).where(User.id == bindparam("user_id"), User.deleted_at.is_(None))
_ENTER = insert(TimeZoneEntry)
_MOVED = _ENTER.on_conflict_do_update(
    index_elements=[TimeZoneEntry.user_id, TimeZoneEntry.from_at], set_={"time_zone": _ENTER.excluded.time_zone}
)


def me(session: Session, who: Who) -> dict[str, Any]:
    """The profile as it is shown to its person."""
    row = session.execute(_ME, {"user_id": who.person.id}).mappings().one_or_none()
    if row is None:
        raise NotFound("person_not_found", "There is no such person, or you do not look after them.")
    return dict(row)


def update_profile(session: Session, who: Who, *, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Change what is given, keep the rest. Null clears, except the time zone, which it leaves alone."""
    values: dict[str, Any] = {name: given[name] for name in FIELDS if name in given}
    zone = given.get("time_zone")
    if zone is not None:
        values |= {"time_zone": known_zone(zone), "time_zone_is_assumed": False}
        _move(session, who, zone, now=now)
    if values:
        session.execute(update(User).where(User.id == who.person.id).values(**values, updated_at=now))
    return me(session, who)


def _move(session: Session, who: Who, zone: str, *, now: datetime) -> None:
    """A dated entry, if the zone is another one. The row is held: two changes at once follow one another."""
    held = select(User.time_zone).where(User.id == who.person.id).with_for_update(key_share=True)
    if session.execute(held).scalar_one() != zone:
        session.execute(_MOVED, {"user_id": who.person.id, "from_at": now, "time_zone": zone, "recorded_at": now})


def email_of(session: Session, person_id: int) -> str | None:
    """As typed; None for a person without credentials."""
    return session.scalar(select(User.email).where(User.id == person_id))


def zones() -> Subquery:
    """For others' statements: the people there are, with the zone each lives in."""
    return select(User.id, User.shard, User.time_zone).where(User.deleted_at.is_(None)).subquery("zones")
