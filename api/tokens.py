"""Access tokens (JWT) and stream tickets: made and read here only, each under a key of its own.

Whatever is wrong with a token is one answer, 401: which of the many ways it was wrong is nobody's business.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from engine import keys
from engine.errors import NotAllowed

ALGORITHM = "HS256"
TICKET_FOR = timedelta(seconds=60)
TOKEN_LENGTH_MAX = 4096
LIFETIME_MAX = timedelta(days=1)  # longer than any of ours
_ACCESS, _TICKET = "access tokens", "stream tickets"
_REQUIRED = ["sub", "sid", "aud", "iat", "exp"]
_ID_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that is ours says. `token_id` is set on tickets only: they are good once."""

    user_id: int
    session_id: int
    token_id: str | None = None


def access_token(user_id: int, session_id: int, *, lifetime: timedelta, now: datetime) -> str:
    return _signed(_ACCESS, user_id, session_id, lifetime, now)


def ticket(user_id: int, session_id: int, *, now: datetime) -> str:
    return _signed(_TICKET, user_id, session_id, TICKET_FOR, now, jti=secrets.token_hex(16))


def read_access_token(token: str, *, now: datetime, even_expired: bool = False) -> Claims:
    """Raises NotAllowed. `even_expired`: signing out works with a token that has run out."""
    return _read(_ACCESS, token, now, even_expired=even_expired)


def read_ticket(token: str, *, now: datetime) -> Claims:
    claims = _read(_TICKET, token, now)
    if not claims.token_id:
        raise _refused()
    return claims


def _signed(
    purpose: str, user_id: int, session_id: int, lifetime: timedelta, now: datetime, jti: str | None = None
) -> str:
    claims = {
        "sub": str(user_id),
        "sid": session_id,
        "aud": purpose,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
    }
    return jwt.encode(claims | ({"jti": jti} if jti else {}), keys.derive(purpose), ALGORITHM)


def _read(purpose: str, token: str, now: datetime, *, even_expired: bool = False) -> Claims:
    if len(token) > TOKEN_LENGTH_MAX:
        raise _refused()
    try:
        # the library would compare with a clock of its own; time is an argument, so we compare below
        claims = jwt.decode(
            token,
            keys.derive(purpose),
            [ALGORITHM],
            audience=purpose,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        user_id, session_id, expires = int(claims["sub"]), int(claims["sid"]), int(claims["exp"])
        lifetime = expires - int(claims["iat"])
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError):
        raise _refused() from None
    if not (0 < user_id <= _ID_MAX and 0 < session_id <= _ID_MAX and lifetime <= LIFETIME_MAX.total_seconds()):
        raise _refused()
    if not even_expired and expires <= now.timestamp():
        raise NotAllowed("token_expired", "Please sign in again.")
    return Claims(user_id, session_id, claims.get("jti"))


def _refused() -> NotAllowed:
    return NotAllowed("token_invalid", "Please sign in again.")
