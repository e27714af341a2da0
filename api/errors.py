"""The one table from what went wrong to what is answered: problem details (RFC 9457) whose `detail` is a sentence.

Nothing echoes what was sent. `code` is stable, for programs; `detail` is for the person.
"""

import re
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.openapi import PROBLEM
from api.shapes import DATE_WORDS, INSTANT_WORDS, TIME_WORDS
from engine.errors import Conflict, EngineError, Invalid, NotAllowed, NotFound, TryLater

log = structlog.get_logger()

FAMILIES: dict[type[EngineError], int] = {NotFound: 404, NotAllowed: 401, Conflict: 409, Invalid: 422, TryLater: 429}
SENTENCES = {
    400: ("bad_request", "This request could not be read."),
    401: ("not_signed_in", "Please sign in."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not understand that method."),
    413: ("too_large", "That is more than can be accepted at once."),
    415: ("unsupported_type", "Please send JSON, and say so: Content-Type: application/json."),
    500: ("internal_error", "Something went wrong on our side. It has been noted; please try again."),
    503: ("busy", "Pillio cannot answer right now. Please try again in a moment."),
}
# What pydantic finds, in a person's words. What is filled in are limits of ours.
WORDS = {
    "missing": "is missing",
    "json_invalid": "is not valid JSON",
    "string_unicode": "contains a character that cannot be kept",
    "string_too_short": "must not be empty",
    "string_too_long": "can have at most {max_length} characters",
    "too_long": "can have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "decimal_max_places": "can have at most {decimal_places} decimals",
    "literal_error": "must be {expected}",
    "finite_number": "must be a number",
}
FAMILIES_OF_WORDS = (
    ("string_", "must be text"),
    ("int_", "must be a whole number"),
    ("decimal_", "must be a number"),
    ("bool_", "must be true or false"),
    ("list_", "must be a list"),
    ("model_", "must be a JSON object"),
    ("date_", f"must be {DATE_WORDS}"),
    ("time_", f"must be {TIME_WORDS}"),
    ("datetime_", f"must be {INSTANT_WORDS}"),
    ("timezone_", f"must be {INSTANT_WORDS}"),
)
ERRORS_MAX = 20
_LOCK_TIMEOUT = "55P03"
RETRY_AFTER_SECONDS = 2


def problem(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}
    extra = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
    return JSONResponse(body | more, status, extra | (headers or {}), media_type=PROBLEM)


def by_status(status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    """The problem of a bare status, as the router and the bounds raise it."""
    code, detail = SENTENCES.get(
        status, SENTENCES[400] if status < HTTPStatus.INTERNAL_SERVER_ERROR else SENTENCES[500]
    )
    return problem(status, code, detail, headers=headers)


def busy() -> JSONResponse:
    return by_status(503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def install(app: FastAPI) -> None:
    app.add_exception_handler(EngineError, _engine)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(TimeoutError, _database)  # nobody's turn came in time


async def _engine(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, EngineError)
    headers = {"Retry-After": str(error.after_seconds)} if isinstance(error, TryLater) else None
    return problem(FAMILIES[type(error)], error.code, error.detail, headers=headers)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return by_status(405, {"Allow": _allowed(request)})
    return by_status(error.status_code, dict(error.headers or {}))


def _allowed(request: Request) -> str:
    """All methods of this address: the router knows those of one route."""
    paths = request.app.openapi()["paths"].items()
    fitting = [item for path, item in paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), request.scope["path"])]
    return ", ".join(sorted({method.upper() for item in fitting for method in item}))


async def _database(_: Request, error: Exception) -> JSONResponse:
    """Overload and outages are 503, never 401: a client that is told 401 signs its person out."""
    is_passing = isinstance(error, OperationalError | InterfaceError | PoolTimeout | TimeoutError)
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if not is_passing and state != _LOCK_TIMEOUT:
        raise error
    log.warning("database.unavailable", error=type(error).__name__, sqlstate=state)
    return busy()


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if _is_foreign(request, error.errors()[0]):
        return by_status(415)
    found = [(_way(each), _message(each)) for each in error.errors()[:ERRORS_MAX]]
    errors = [{"field": ".".join(map(str, way)), "message": message} for way, message in found]
    return problem(422, "invalid_request", _sentence(*found[0]), errors=errors)


def _is_foreign(request: Request, error: dict[str, Any]) -> bool:
    """Was something sent that is not said to be JSON? It has not been read then."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    return tuple(error["loc"]) == ("body",) and error["type"] != "missing" and not is_json


def _way(error: dict[str, Any]) -> list[str | int]:
    """The names that lead to a field, with places in lists. A name is one of ours: unknown ones are not led to."""
    way = [part for part in error["loc"][1:] if isinstance(part, int) or part.isidentifier()]
    return [] if error["type"] == "json_invalid" else way  # its place is a position in the text


def _message(error: dict[str, Any]) -> str:
    """In a person's words. What was sent is not among them."""
    kind = error["type"]
    if error["input"] is None:
        return WORDS["missing"]
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    by_family = (words for start, words in FAMILIES_OF_WORDS if kind.startswith(start))
    words = WORDS.get(kind) or next(by_family, "cannot be understood")
    return words.format(**error.get("ctx", {}))


def _sentence(way: list[str | int], message: str) -> str:
    """ "Reminder time is missing." "Dosage in line 2 must not be empty." """
    names = [part for part in way if isinstance(part, str)]
    subject = names[-1].replace("_", " ").capitalize() if names else "The body of the request"
    if message == WORDS["missing"]:
        subject = subject.removesuffix(" id")  # nobody chooses a number: a medicine is what is missing
    line = [part for part in way[:-1] if isinstance(part, int)]
    return f"{subject}{f' in line {line[0] + 1}' if line else ''} {message}."
