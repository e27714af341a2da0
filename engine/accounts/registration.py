"""New accounts: one per e-mail address, whichever way it is spelt, with the time zone they begin in.

`email_key` is folded here and nowhere else. It treats Erika@ and erika@ as one mailbox, as nearly every provider
does; two people at a provider that does not cannot both register.
"""

import unicodedata
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.orm import Session

from engine.accounts.access import Person
from engine.accounts.models import TimeZoneEntry, User
from engine.errors import Conflict, Invalid
from engine.tables import shard_of

EMAIL_MAX = 254
# A household's own mail server lives under .local as often as not: whether mail gets there is for the relay to say.
for _home in ("local", "test"):
    SPECIAL_USE_DOMAIN_NAMES.remove(_home)
_NOT_PLACES = {"Factory", "localtime"}  # in the zone database, but nobody lives there
_ADD = (
    insert_once(User)
    .on_conflict_do_nothing(index_elements=[User.email_key], index_where=User.deleted_at.is_(None))
    .returning(User.id)
)


def canonical_email(text: str) -> tuple[str, str]:
    """The address as typed, and the key under which it is one account. Raises Invalid. Asks no DNS."""
    typed = text.strip()
    try:
        if len(typed) > EMAIL_MAX:
            raise EmailNotValidError
        address = validate_email(typed, check_deliverability=False)
    except (EmailNotValidError, UnicodeError):
        raise Invalid("email_invalid", "Please enter a valid e-mail address.") from None
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address.normalized).casefold())
    return typed, folded


def known_zone(name: str) -> str:
    """An IANA zone somebody can live in. Raises Invalid."""
    if name not in _zones():
        raise Invalid("unknown_time_zone", "Please choose a time zone such as Europe/Riga.")
    return name


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NOT_PLACES)


def register(
    session: Session,
    *,
    email: str,
    password_hash: str,
    first_name: str | None = None,
    last_name: str | None = None,
    time_zone: str | None = None,
    assumed_time_zone: str,
    now: datetime,
) -> Person:
    """A new person. Of two who register one address at once, one gets Conflict."""
    as_typed, key = canonical_email(email)
    zone = assumed_time_zone if time_zone is None else known_zone(time_zone)
    values: dict[str, Any] = {
        "shard": 0,
        "email": as_typed,
        "email_key": key,
        "password_hash": password_hash,
        "first_name": first_name,
        "last_name": last_name,
        "time_zone": zone,
        "time_zone_is_assumed": time_zone is None,
        "created_at": now,
        "updated_at": now,
    }
    user_id = session.execute(_ADD, values).scalar_one_or_none()
    if user_id is None:
        raise Conflict("email_taken", "There is already an account with this e-mail address.")
    shard = shard_of(user_id)
    session.execute(update(User).where(User.id == user_id).values(shard=shard))
    entry = {"user_id": user_id, "from_at": now, "time_zone": zone, "recorded_at": now}
    session.execute(insert(TimeZoneEntry), entry)
    return Person(user_id, shard, zone)
