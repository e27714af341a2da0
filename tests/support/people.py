"""Make people for tests: registered, signed in, with a password everybody knows."""

from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy.orm import Session

from engine.accounts import passwords, registration, sessions
from engine.accounts.access import Who

PASSWORD = "lighthouse keeper's kettle"
PEPPER = b"only for tests: 32 bytes of it.."
ROUNDS = 4
LIFETIMES = sessions.Lifetimes(usual=timedelta(days=7), remembered=timedelta(days=30))


@lru_cache(maxsize=1)
def known_hash() -> str:
    """The hash of `PASSWORD`, made once."""
    return passwords.hash_password(PASSWORD, pepper=PEPPER, rounds=ROUNDS)


def make_person(session: Session, *, name: str = "ada", time_zone: str = "Europe/Riga", now: datetime) -> Who:
    """A registered person, signed in since `now`: name@example.com."""
    person = registration.register(
        session,
        email=f"{name}@example.com",
        password_hash=known_hash(),
        first_name=name.capitalize(),
        last_name=None,
        time_zone=time_zone,
        assumed_time_zone="UTC",
        now=now,
    )
    tokens = sessions.open_session(session, person.id, remember=False, lifetimes=LIFETIMES, now=now)
    return Who(person, actor_id=person.id, session_id=tokens.session_id)
