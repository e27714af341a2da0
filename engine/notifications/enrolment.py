"""A person joins, or comes back: account, first sign-in and first channel commit as one.

The e-mail address is the first channel wherever this Pillio can send mail. An account from before it could gets its
channel at the next sign-in; without a relay there is none, or every dose would count as one we failed to tell.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row
from sqlalchemy.orm import Session

from engine.accounts import registration, sessions
from engine.accounts.access import Person
from engine.accounts.sessions import Lifetimes, Tokens
from engine.errors import Invalid
from engine.notifications import channels


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who wants to join, as they said it; the password as its hash."""

    email: str
    password_hash: str
    first_name: str | None = None
    last_name: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    person: Person
    tokens: Tokens


def enrol(
    session: Session,
    newcomer: Newcomer,
    *,
    assumed_time_zone: str,
    email_works: bool,
    lifetimes: Lifetimes,
    now: datetime,
) -> Enrolled:
    """A new account, signed in. Raises Invalid for what cannot be an address or a zone, Conflict for a taken one."""
    person = registration.register(
        session,
        email=newcomer.email,
        password_hash=newcomer.password_hash,
        first_name=newcomer.first_name,
        last_name=newcomer.last_name,
        time_zone=newcomer.time_zone,
        assumed_time_zone=assumed_time_zone,
        now=now,
    )
    if email_works:
        channels.add_email(session, person.id, newcomer.email.strip(), now=now)
    return Enrolled(person, sessions.open_session(session, person.id, remember=False, lifetimes=lifetimes, now=now))


def credentials(session: Session, typed_email: str) -> Row[int, str | None] | None:
    """`id` and `password_hash` of the account with this address, however it is spelt; None if there is none."""
    try:
        _, email_key = registration.canonical_email(typed_email)
    except Invalid:
        return None
    return sessions.credentials(session, email_key)


def sign_in(
    session: Session, person_id: int, *, remember: bool, email_works: bool, lifetimes: Lifetimes, now: datetime
) -> Tokens:
    """A new session for somebody whose password matched."""
    if email_works:
        channels.ensure_email(session, person_id, now=now)
    return sessions.open_session(session, person_id, remember=remember, lifetimes=lifetimes, now=now)
