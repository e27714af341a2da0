"""Sign-ins. A session is a family of refresh tokens; each refresh spends one and derives its successor.

The successor is a keyed HMAC of the token it follows, so an answer lost on the way costs nothing: whoever
refreshes the same token again gets the same successor, for a day and as long as that one is unused. A spent token
after that means two hold the family: it ends for both. Sessions slide with use, for a year at most. Of tokens only
SHA-256 is kept. Limit: after the key is changed, tokens refreshed before and lost on the way cannot be repeated.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Interval, Row, bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from engine.accounts.models import RefreshToken, SignIn, User
from engine.errors import NotAllowed

REPEATABLE_FOR = timedelta(hours=24)
SESSION_MAX = timedelta(days=366)
_INSTANT = DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a sign-in lasts unused: usually, and when "remember me" was ticked."""

    usual: timedelta
    remembered: timedelta


@dataclass(frozen=True, slots=True)
class Tokens:
    refresh_token: str
    session_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Refreshed:
    user_id: int
    session_id: int
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A spent token came back, so the family was ended. To be committed, then answered as not signed in."""

    user_id: int
    session_id: int


_LIVE = exists().where(
    SignIn.id == RefreshToken.session_id,
    SignIn.revoked_at.is_(None),
    SignIn.expires_at > bindparam("now"),
    SignIn.user_id == User.id,
    User.deleted_at.is_(None),
)
_SPEND = (
    update(RefreshToken)
    .where(
        RefreshToken.token_hash == bindparam("hash"),
        RefreshToken.used_at.is_(None),
        RefreshToken.expires_at > bindparam("now"),
        _LIVE,
    )
    .values(used_at=bindparam("now"))
    .returning(RefreshToken.session_id, RefreshToken.issued_at, RefreshToken.expires_at)
    .execution_options(synchronize_session=False)
)
_LATEST = SignIn.created_at + bindparam("longest", type_=Interval)
_SLIDE = (
    update(SignIn)
    .where(SignIn.id == bindparam("session_id"))
    .values(expires_at=func.greatest(SignIn.expires_at, func.least(bindparam("until", type_=_INSTANT), _LATEST)))
    .returning(SignIn.user_id)
    .execution_options(synchronize_session=False)
)
_Next = aliased(RefreshToken)
_SPENT = (
    select(
        RefreshToken.session_id,
        RefreshToken.used_at,
        SignIn.user_id,
        _Next.token_hash.label("next_hash"),
        _Next.used_at.label("next_used_at"),
    )
    .join(SignIn, SignIn.id == RefreshToken.session_id)
    .join(User, User.id == SignIn.user_id)
    .join(_Next, _Next.parent_hash == RefreshToken.token_hash)
    .where(
        RefreshToken.token_hash == bindparam("hash"),
        SignIn.revoked_at.is_(None),
        SignIn.expires_at > bindparam("now"),
        User.deleted_at.is_(None),
    )
)
_CREDENTIALS = select(User.id, User.password_hash).where(
    User.email_key == bindparam("email_key"), User.deleted_at.is_(None)
)


def credentials(session: Session, email_key: str) -> Row[int, str | None] | None:
    """`id` and `password_hash` of the account under this key, if there is one."""
    return session.execute(_CREDENTIALS, {"email_key": email_key}).one_or_none()


def open_session(session: Session, user_id: int, *, remember: bool, lifetimes: Lifetimes, now: datetime) -> Tokens:
    """A new sign-in with its first refresh token. The token is shown once; we keep its hash."""
    expires_at = now + (lifetimes.remembered if remember else lifetimes.usual)
    values = {"user_id": user_id, "is_remembered": remember, "created_at": now, "expires_at": expires_at}
    session_id = session.execute(insert(SignIn).returning(SignIn.id), values).scalar_one()
    token = secrets.token_urlsafe(32)
    _issue(session, token, session_id, None, expires_at, now)
    return Tokens(token, session_id, expires_at)


def refresh(session: Session, token_plain: str, *, key: bytes, now: datetime) -> Refreshed | Ended:
    """The successor of a token. Raises NotAllowed if it is unknown, too old, or its session is over."""
    successor = _successor(token_plain, key)
    spent = session.execute(_SPEND, {"hash": _hash(token_plain), "now": now}).one_or_none()
    if spent is None:
        return _again(session, token_plain, successor, now)
    until = now + (spent.expires_at - spent.issued_at)
    _issue(session, successor, spent.session_id, _hash(token_plain), until, now)
    slide = {"session_id": spent.session_id, "until": until, "longest": SESSION_MAX}
    return Refreshed(session.execute(_SLIDE, slide).scalar_one(), spent.session_id, successor)


def _again(session: Session, token_plain: str, successor: str, now: datetime) -> Refreshed | Ended:
    """A token that was spent before: a repeat of the same refresh, or a second holder."""
    row = session.execute(_SPENT, {"hash": _hash(token_plain), "now": now}).one_or_none()
    if row is None:
        raise NotAllowed("session_over", "Please sign in again.")
    if row.next_used_at is None and now - row.used_at <= REPEATABLE_FOR:
        if row.next_hash != _hash(successor):
            raise NotAllowed("session_over", "Please sign in again.")
        return Refreshed(row.user_id, row.session_id, successor)
    revoke(session, row.session_id, row.user_id, now=now)
    return Ended(row.user_id, row.session_id)


def revoke(session: Session, session_id: int, user_id: int, *, now: datetime) -> None:
    """Sign one device out. Doing it twice is doing it once."""
    _revoke(session, SignIn.id == session_id, user_id, now)


def revoke_others(session: Session, user_id: int, *, keep_session_id: int | None = None, now: datetime) -> None:
    """Sign every device out, except the one that asks: after a changed password."""
    _revoke(session, SignIn.id.is_distinct_from(keep_session_id), user_id, now)


def _revoke(session: Session, which: Any, user_id: int, now: datetime) -> None:
    statement = update(SignIn).where(which, SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
    session.execute(statement.values(revoked_at=now).execution_options(synchronize_session=False))


def _issue(
    session: Session, token: str, session_id: int, parent_hash: str | None, expires_at: datetime, now: datetime
) -> None:
    values = {
        "token_hash": _hash(token),
        "session_id": session_id,
        "parent_hash": parent_hash,
        "issued_at": now,
        "expires_at": expires_at,
    }
    session.execute(insert(RefreshToken), values)


def _successor(token: str, key: bytes) -> str:
    digest = hmac.new(key, b"pillio refresh token\0" + _bytes(token), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(_bytes(token)).hexdigest()


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")
