"""Sign-in: register, log in, refresh, log out, and one's own profile (`/auth/me`, `/users/me`).

Hashing a password takes the better part of a second on purpose: it happens in two threads of its own, outside any
transaction, so that a storm of sign-ins delays sign-ins and nothing else.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import APIRouter, Request
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from api import tokens
from api.asking import Asking, Now, bearer, database, settings
from api.shapes import Given, OneLine, OptionalName, Shown, Timestamps, Writable
from engine import keys
from engine.accounts import passwords, profile, registration, sessions
from engine.accounts.sessions import Ended, Lifetimes, Refreshed
from engine.dispatch import residence
from engine.errors import NotAllowed
from engine.notifications import enrolment
from engine.notifications.enrolment import Newcomer
from engine.settings import Settings

T = TypeVar("T")
router = APIRouter(tags=["accounts"])
_HASHING = CapacityLimiter(2)

Password = Annotated[str, StringConstraints(strip_whitespace=False, max_length=4096)]  # exactly as typed
Email = Annotated[str, Field(max_length=320), Writable]
Token = Annotated[str, Field(max_length=4096)]
Phone = Annotated[str, Field(max_length=50), Writable, OneLine]
Zone = Annotated[str, Field(max_length=64, description="IANA, such as Europe/Riga"), Writable]


class Registration(Given):
    email: Email
    password: Password
    first_name: OptionalName | None = None
    last_name: OptionalName | None = None
    time_zone: Zone | None = None


class Login(Given):
    email: Email
    password: Password
    remember_me: bool = False


class Refresh(Given):
    refresh_token: Token


class Profile(Given):
    first_name: OptionalName | None = None
    last_name: OptionalName | None = None
    phone: Phone | None = None
    time_zone: Zone | None = None


class TokenPair(Shown):
    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105 - a kind, not a secret
    expires_in: int = Field(description="Seconds until the access token runs out")


class Me(Timestamps):
    id: int
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    time_zone: str
    time_zone_is_assumed: bool


class Done(Shown):
    detail: str


@router.post("/auth/register", status_code=201, response_model=TokenPair)
async def register(said: Registration, request: Request, now: Now) -> dict[str, Any]:
    """A new account. Its e-mail address is its first channel, where this Pillio sends mail."""
    ours = settings(request)
    registration.canonical_email(said.email)  # before the slow part
    name = f"{said.first_name or ''} {said.last_name or ''}"
    hashed = await _hash(said.password, [said.email, name, *name.split()], ours)
    newcomer = Newcomer(said.email, hashed, said.first_name or None, said.last_name or None, said.time_zone or None)

    def enrol(session: Session) -> enrolment.Enrolled:
        return enrolment.enrol(
            session,
            newcomer,
            assumed_time_zone=ours.assumed_time_zone,
            email_works=ours.has_email,
            lifetimes=lifetimes(ours),
            now=now,
        )

    enrolled = await database(request).write(enrol)
    return _pair(ours, enrolled.person.id, enrolled.tokens.session_id, enrolled.tokens.refresh_token, now)


@router.post("/auth/login", response_model=TokenPair)
async def login(said: Login, request: Request, now: Now) -> dict[str, Any]:
    """Sign in. An unknown address and a wrong password look the same and take as long."""
    ours, data = settings(request), database(request)
    known = await data.read(partial(enrolment.credentials, typed_email=said.email))
    if not await _matches(said.password, known.password_hash if known else None, ours) or known is None:
        raise NotAllowed("wrong_credentials", "Invalid email or password.")
    opened = await data.write(
        lambda session: enrolment.sign_in(
            session,
            known.id,
            remember=said.remember_me,
            email_works=ours.has_email,
            lifetimes=lifetimes(ours),
            now=now,
        )
    )
    return _pair(ours, known.id, opened.session_id, opened.refresh_token, now)


@router.post("/auth/refresh", response_model=TokenPair)
async def refresh(said: Refresh, request: Request, now: Now) -> dict[str, Any]:
    """Both tokens anew. Several refreshes of one token get the same successor; a spent one ends the session."""
    ours = settings(request)
    key = keys.derive("refresh tokens")
    found: Refreshed | Ended = await database(request).write(
        lambda session: sessions.refresh(session, said.refresh_token, key=key, now=now)
    )
    if isinstance(found, Ended):
        raise NotAllowed("session_over", "Please sign in again.")
    return _pair(ours, found.user_id, found.session_id, found.refresh_token, now)


@router.post("/auth/logout", response_model=Done)
async def logout(request: Request, now: Now) -> dict[str, str]:
    """End this session at once. Without a token, or with a stale one, there is nothing to end: also fine."""
    try:
        claims = tokens.read_access_token(bearer(request), now=now, even_expired=True)
    except NotAllowed:
        return {"detail": "Signed out"}
    await database(request).write(lambda session: sessions.revoke(session, claims.session_id, claims.user_id, now=now))
    return {"detail": "Signed out"}


@router.get("/auth/me", response_model=Me)
@router.get("/users/me", response_model=Me)
async def me(ask: Asking) -> dict[str, Any]:
    return await ask.read(profile.me)


@router.put("/auth/me", response_model=Me)
@router.patch("/auth/me", response_model=Me)
@router.put("/users/me", response_model=Me)
@router.patch("/users/me", response_model=Me)
async def update_me(said: Profile, ask: Asking) -> dict[str, Any]:
    """Change what is sent, keep the rest. Choosing a time zone for the first time moves the reminders into it."""
    return await ask.write(lambda session, who: residence.save_profile(session, who, given=said.filled(), now=ask.now))


def lifetimes(ours: Settings) -> Lifetimes:
    return Lifetimes(
        usual=timedelta(days=ours.refresh_token_expire_days), remembered=timedelta(days=ours.remember_me_expire_days)
    )


async def _hash(password: str, known_words: list[str], ours: Settings) -> str:
    """Raises Invalid for one that is too weak."""

    def work() -> str:
        passwords.check_strength(password, known_words)
        return passwords.hash_password(password, pepper=keys.derive("password pepper"), rounds=ours.bcrypt_rounds)

    return await _slowly(work)


async def _matches(password: str, hashed: str | None, ours: Settings) -> bool:
    pepper = keys.derive("password pepper")
    return await _slowly(partial(passwords.verify_password, password, hashed, pepper=pepper, rounds=ours.bcrypt_rounds))


async def _slowly(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work, limiter=_HASHING)


def _pair(ours: Settings, user_id: int, session_id: int, refresh_token: str, now: datetime) -> dict[str, Any]:
    lifetime = timedelta(minutes=ours.access_token_expire_minutes)
    access = tokens.access_token(user_id, session_id, lifetime=lifetime, now=now)
    return {"access_token": access, "refresh_token": refresh_token, "expires_in": int(lifetime.total_seconds())}
