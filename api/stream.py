"""The live stream (SSE): what happens to a person's doses, stock and bell, as it is committed.

PostgreSQL is the truth; the broker only calls. A stream reads when it is called, when the broker is silent, and at
every heartbeat, so a lost call costs seconds and no row. `Last-Event-ID` resumes; `resync` says: load afresh.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.types import Receive, Scope, Send

from api import tokens
from api.asking import Asking, Now, bearer, database, person_id_of, settings
from api.database import Database
from api.hub import Hub, Listener
from api.shapes import Shown
from api.tokens import Claims
from engine import clock
from engine.accounts import access
from engine.errors import EngineError, NotAllowed, TryLater
from engine.notifications import feed
from engine.requests import replay

log = structlog.get_logger()
router = APIRouter(prefix="/notifications/stream", tags=["stream"])

HEARTBEAT_SECONDS = 15.0
SLOW_SECONDS = 10.0  # a reader that takes nothing for this long is cut off; it comes back where it left
RETRY_SECONDS = (2.0, 6.0)  # spread, so that a restart is not followed by everybody at once


class Ticket(Shown):
    ticket: str
    url: str
    expires_in: int


@router.post("/ticket", status_code=201, response_model=Ticket)
async def make_ticket(request: Request, ask: Asking) -> dict[str, object]:
    """For browsers, whose EventSource sends no header: a URL that opens the stream once, within a minute."""
    who = await ask.who()
    ticket = tokens.ticket(who.actor_id, who.session_id, now=ask.now)
    url = f"{settings(request).stream_url}/api/v1/notifications/stream?{urlencode({'ticket': ticket})}"
    return {"ticket": ticket, "url": url, "expires_in": int(tokens.TICKET_FOR.total_seconds())}


@router.get(
    "", response_class=Response, responses={200: {"content": {"text/event-stream": {}}, "description": "The stream"}}
)
async def open_stream(
    request: Request,
    now: Now,
    ticket: Annotated[str | None, Query(max_length=4096)] = None,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
    resume_after: Annotated[str | None, Query(alias="last_event_id", max_length=200)] = None,
    pillio_person: Annotated[str | None, Header()] = None,
) -> Response:
    """Events `hello`, `notification`, `dose`, `stock`, `resync`; each with an id of its own in its data."""
    data, hub = database(request), _hub(request)
    person_id = person_id_of(pillio_person)
    claims = await _claims(request, data, ticket, now)
    who = await data.read(
        lambda session: access.identify(session, claims.user_id, claims.session_id, person_id, now=now)
    )
    if hub.is_full:
        raise TryLater("too_many_streams", "Too many live streams are open here. Please try again later.", 30)
    opened = _Stream(data, claims, person_id, last_event_id or resume_after)
    return EventStream(opened, hub, who.person.shard)


async def _claims(request: Request, data: Database, ticket: str | None, now: datetime) -> Claims:
    if ticket is None:
        return tokens.read_access_token(bearer(request), now=now)
    claims = tokens.read_ticket(ticket, now=now)

    def spend(session: Session) -> bool:
        who = access.identify(session, claims.user_id, claims.session_id, None, now=now)
        return replay.claim(session, who, key=f"ticket:{claims.token_id}", now=now)

    if not await data.write(spend):
        raise NotAllowed("ticket_spent", "This link to the stream was used already. Please ask for a new one.")
    return claims


def _hub(request: Request) -> Hub:
    found: Hub = request.app.state.hub
    return found


class EventStream(Response):
    """The answer that stays open."""

    media_type = "text/event-stream"

    def __init__(self, stream: "_Stream", hub: Hub, shard: int) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream, self._hub, self._shard = stream, hub, shard

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with self._hub.listening(self._shard) as listener:
            gone = asyncio.create_task(_until_gone(receive, listener))
            try:
                async for piece in self._stream.pieces(listener):
                    body = {"type": "http.response.body", "body": piece, "more_body": True}
                    await asyncio.wait_for(send(body), SLOW_SECONDS)
            except (TimeoutError, OSError):
                return
            finally:
                gone.cancel()
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.close()


class _Stream:
    """What one connection has been sent, and up to where it is safe."""

    def __init__(self, data: Database, claims: Claims, person_id: int | None, last_event_id: str | None) -> None:
        self._data, self._claims, self._person_id = data, claims, person_id
        self._last_event_id = last_event_id
        self._since = 0
        self._sent: set[tuple[str, int, int]] = set()

    async def pieces(self, listener: Listener) -> AsyncIterator[bytes]:
        """Until the listener is closed or signed out. Never silent for longer than a heartbeat."""
        loop = asyncio.get_running_loop()
        yield await self._begin()
        spoke_at = loop.time()
        while not listener.is_closed:
            try:
                pieces = await self._news()
            except EngineError:  # signed out, or no longer allowed to look: the client finds out why by asking
                return
            except Exception as error:  # noqa: BLE001 - the database is away: stay, and look again
                log.warning("stream.cannot_read", error=type(error).__name__)
                pieces = []
            if not pieces and loop.time() - spoke_at >= HEARTBEAT_SECONDS:
                pieces = [b": still here\n\n"]
            for piece in pieces:
                yield piece
                spoke_at = loop.time()
            await listener.called(HEARTBEAT_SECONDS)

    async def _begin(self) -> bytes:
        """Where to go on from; `resync` first if that cannot be told."""
        here = await self._data.read(feed.position)
        since = feed.since_of(self._last_event_id, here) if self._last_event_id else here.fence
        self._since = here.fence if since is None else since
        retry = f"retry: {random.randint(*(int(1000 * each) for each in RETRY_SECONDS))}\n".encode()  # noqa: S311
        hello = _event("hello", {"id": here.text}, here.text if since is None or not self._last_event_id else None)
        return retry + (_event("resync", {"id": here.text}, here.text) if since is None else b"") + hello

    async def _news(self) -> list[bytes]:
        heard = await self._data.read(
            partial(
                feed.listen,
                user_id=self._claims.user_id,
                session_id=self._claims.session_id,
                person_id=self._person_id,
                since=self._since,
                now=clock.now(),
            )
        )
        cursor = heard.position.text
        if heard.is_too_much:
            self._since, self._sent = heard.position.fence, set()
            return [_event("resync", {"id": cursor}, cursor)]
        fresh = [item for item in heard.items if item.key not in self._sent]
        self._since = heard.position.fence
        self._sent = {item.key for item in heard.items if item.key[2] >= self._since}
        return [_event(item.event, item.data, cursor) for item in fresh]


def _event(name: str, data: dict[str, object], cursor: str | None) -> bytes:
    head = f"event: {name}\n" + (f"id: {cursor}\n" if cursor else "")
    return head.encode() + b"data: " + to_json(data) + b"\n\n"
