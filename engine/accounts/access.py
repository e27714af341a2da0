"""Who asks, and about whom. The only door from a verified token to a person's data."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from engine.accounts.models import SignIn, User
from engine.errors import NotAllowed, NotFound

_SIGNED_IN = (
    select(User.id, User.shard, User.time_zone)
    .join(SignIn, SignIn.user_id == User.id)
    .where(
        SignIn.id == bindparam("session_id"),
        User.id == bindparam("user_id"),
        SignIn.revoked_at.is_(None),
        SignIn.expires_at > bindparam("now"),
        User.deleted_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an engine call is about."""

    id: int
    shard: int
    time_zone: str

    def local_date(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True, slots=True)
class Who:
    """The person an engine call is about, and the actor (a users row) who asks on their behalf."""

    person: Person
    actor_id: int
    session_id: int

    @property
    def source(self) -> str:
        return "app" if self.actor_id == self.person.id else "carer"


def identify(session: Session, user_id: int, session_id: int, person_id: int | None, *, now: datetime) -> Who:
    """The signed-in actor and the person asked about (default: oneself).

    Raises NotAllowed if the session is over, NotFound if the person is a stranger: whether a stranger exists
    is nobody's business.
    """
    row = session.execute(_SIGNED_IN, {"user_id": user_id, "session_id": session_id, "now": now}).one_or_none()
    if row is None:
        raise NotAllowed("session_over", "Please sign in again.")
    if person_id is not None and person_id != row.id:
        raise NotFound("person_not_found", "There is no such person, or you do not look after them.")
    return Who(Person(row.id, row.shard, row.time_zone), actor_id=row.id, session_id=session_id)
