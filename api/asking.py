"""Who asks, about whom, at which instant: what a route is handed, and the two ways in which it asks the engine.

`read` and `write` identify the asker inside the same connection as the work itself. A write is committed, and live
streams are woken, before the route returns: no answer ever speaks of something that is not kept.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.database import Database
from api.tokens import Claims, read_access_token
from engine import clock
from engine.accounts import access
from engine.accounts.access import Who
from engine.errors import Invalid, NotAllowed
from engine.notifications import planning
from engine.requests import replay
from engine.settings import Settings

T = TypeVar("T")
DOUBLE_CLICK = timedelta(seconds=5)


def database(request: Request) -> Database:
    found: Database = request.app.state.database
    return found


def settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


async def instant() -> datetime:
    return clock.now()


Now = Annotated[datetime, Depends(instant)]


def bearer(request: Request) -> str:
    """The token of the Authorization header. Raises NotAllowed."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAllowed("not_signed_in", "Please sign in.")
    return token.strip()


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of somebody who is signed in."""

    database: Database
    claims: Claims
    person_id: int | None
    idempotency_key: str | None
    now: datetime

    async def read(self, work: Callable[[Session, Who], T]) -> T:
        return await self.database.read(lambda session: work(session, self._who(session)))

    async def write(self, work: Callable[[Session, Who], T]) -> T:
        """One transaction around `work` and the notifications it entails."""

        def whole(session: Session) -> tuple[T, int]:
            who = self._who(session)
            answer = work(session, who)
            planning.tell(session, now=self.now)
            return answer, who.person.shard

        answer, shard = await self.database.write(whole)
        self.database.wake(shard)
        return answer

    async def remove(self, work: Callable[[Session, Who], None]) -> None:
        """`write`, after which a create like an earlier one is no double click: what that one made may be gone."""

        def whole(session: Session, who: Who) -> None:
            work(session, who)
            replay.forget_clicks(session, who)

        await self.write(whole)

    async def who(self) -> Who:
        """Raises NotAllowed when the sign-in is over."""
        return await self.database.read(self._who)

    async def create(
        self, what: str, said: BaseModel, work: Callable[[Session, Who], Mapping[str, Any]], *, may_be_doubled: bool
    ) -> dict[str, Any]:
        """`write`, once: under the sender's Idempotency-Key, or for a double click within five seconds.

        `may_be_doubled`: without a key, the same body again soon is meant again, not clicked twice.
        """
        fingerprint = hashlib.sha256(f"{what} {said.model_dump_json(exclude_unset=True)}".encode()).hexdigest()
        if self.idempotency_key:
            return await self._once(f"key:{what}:{self.idempotency_key}", fingerprint, None, work)
        if may_be_doubled:
            return dict(await self.write(work))
        return await self._once(f"{replay.CLICK}{fingerprint}", fingerprint, DOUBLE_CLICK, work)

    async def _once(
        self, key: str, fingerprint: str, within: timedelta | None, work: Callable[[Session, Who], Mapping[str, Any]]
    ) -> dict[str, Any]:
        def once(session: Session, who: Who) -> dict[str, Any]:
            return replay.once(
                session,
                who,
                key=key,
                fingerprint=fingerprint,
                within=within,
                now=self.now,
                call=lambda: work(session, who),
            )

        return await self.write(once)

    def _who(self, session: Session) -> Who:
        claims = self.claims
        return access.identify(session, claims.user_id, claims.session_id, self.person_id, now=self.now)


async def asking(
    request: Request,
    now: Now,
    pillio_person: Annotated[str | None, Header(description="Whom it is about, if not oneself")] = None,
    idempotency_key: Annotated[str | None, Header(description="The same key again gets the first answer")] = None,
) -> Ask:
    claims = read_access_token(bearer(request), now=now)
    return Ask(database(request), claims, person_id_of(pillio_person), _key(idempotency_key), now)


def person_id_of(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 18):
        raise Invalid("person_unreadable", "The Pillio-Person header is the number of a person.")
    return int(text)


def _key(text: str | None) -> str | None:
    if text is None:
        return None
    if not 1 <= len(text) <= 200 or not text.isascii() or not text.isprintable():
        raise Invalid("idempotency_key_unreadable", "An Idempotency-Key is 1 to 200 printable characters.")
    return text


Asking = Annotated[Ask, Depends(asking)]
