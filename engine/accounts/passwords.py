"""Passwords: what is kept of them, whether one matches, whether one is strong enough. No database here.

Kept is bcrypt over base64(HMAC-SHA384(pepper, password)): any length counts in full, and without the pepper,
which is not in the database, a stolen table cannot even be guessed at. A password is verified exactly as typed;
two Unicode spellings of one word are two passwords. Hashing takes the better part of a second on purpose: call
it in a bounded thread, before opening a transaction.
"""

import base64
import hashlib
import hmac

import bcrypt
from zxcvbn import zxcvbn

from engine.errors import Invalid

LENGTH_MIN = 8
LENGTH_MAX = 1024
SCORE_MIN = 2  # of 4: resists an unthrottled guesser for a while; ours is throttled besides
DEFAULT_ROUNDS = 12
OUR_WORDS = ["pillio", "pill", "tablet", "medicine", "medication", "reminder", "password"]
_LOOKED_AT = 24  # characters zxcvbn weighs: of 72 hostile ones it takes seconds, and more length only adds strength


def hash_password(plain: str, *, pepper: bytes, rounds: int) -> str:
    """What to keep in `users.password_hash`."""
    return bcrypt.hashpw(_peppered(plain, pepper), bcrypt.gensalt(rounds)).decode()


def verify_password(plain: str, hashed: str | None, *, pepper: bytes, rounds: int = DEFAULT_ROUNDS) -> bool:
    """Does it match? Without a stored hash (no such account) it takes as long, and does not."""
    stored = hashed or f"$2b${rounds:02d}${'.' * 53}"
    try:
        return bcrypt.checkpw(_peppered(plain, pepper), stored.encode()) and hashed is not None
    except ValueError:  # a stored hash that is not one
        return False


def check_strength(plain: str, user_inputs: list[str]) -> None:
    """Raises Invalid, with what to do about it, if a guesser would have it soon. No composition rules.

    Slow too, for passwords made to be: call it where `hash_password` is called.
    """
    if len(plain) < LENGTH_MIN:
        raise Invalid("password_too_short", f"Please choose a password of at least {LENGTH_MIN} characters.")
    if len(plain) > LENGTH_MAX:
        raise Invalid("password_too_long", f"Please choose a password of at most {LENGTH_MAX} characters.")
    known = [*OUR_WORDS, *(part for text in user_inputs for part in (text, *text.replace("@", " ").split()) if part)]
    weighed = zxcvbn(plain[:_LOOKED_AT], user_inputs=known)
    if weighed["score"] < SCORE_MIN:
        warning = weighed["feedback"]["warning"] or "It would be guessed soon"
        raise Invalid("password_too_weak", f"Please choose another password. {warning.rstrip('.')}.")


def _peppered(plain: str, pepper: bytes) -> bytes:
    digest = hmac.new(pepper, plain.encode("utf-8", "surrogatepass"), hashlib.sha384).digest()
    return base64.b64encode(digest)
