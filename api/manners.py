"""How every answer behaves: bounded bodies in, no trailing slash to stumble over, headers that keep health data out
of caches, and one sentence instead of a traceback. Pure ASGI, inside the CORS layer, so that errors carry its headers.
"""

import secrets
import traceback
from http import HTTPStatus
from pathlib import Path

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

BODY_BYTES_MAX = 256 * 1024
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
log = structlog.get_logger()


class Origins(CORSMiddleware):
    """Which pages of the web may call us. A page that may not is told so in the words of every other error."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < HTTPStatus.BAD_REQUEST:
            return answer
        return errors.by_status(400, {"Vary": "Origin"})


class Manners:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["path"]) > 1 and scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        await _Exchange(self.app, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self.app, self.scope, self._receive, self._send = app, scope, receive, send
        self.request_id = secrets.token_hex(8)
        self.received = 0
        self.has_started = False

    async def run(self) -> None:
        structlog.contextvars.bind_contextvars(request_id=self.request_id)
        try:
            if _declared(self.scope) > BODY_BYTES_MAX:
                await errors.by_status(413)(self.scope, self._receive, self.send)
                return
            await self.app(self.scope, self.receive, self.send)
        except Exception as error:
            log.error("request.failed", error=type(error).__name__, where=_place(error))  # noqa: TRY400 - no values
            if self.has_started:
                raise
            await errors.by_status(500)(self.scope, self._receive, self.send)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        if self.received > BODY_BYTES_MAX:
            raise HTTPException(413)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _place(error: Exception) -> str:
    """Where it was raised, without values: those may be somebody's."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))
