"""`pillio healthcheck PROGRAM`: is this program on this host well? A sentence either way; for container health checks.

Each is asked about itself and about what it cannot do without, not about its neighbours: an API that is taken away
because nobody ticks could not even take down an answer. Nor is one over a newer schema unwell: in an upgrade old and
new stand side by side. Whether people are being told is what `/health/ready` says.
"""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException

from ops.refusal import Refusal
from ops.wishes import Wishes, read_wishes

_ANSWER_SECONDS = 5


def check(program: str, wishes: Wishes | None = None) -> str:
    """One of `CHECKS`. What is well; raises `Refusal` with what is not."""
    return CHECKS[program](wishes or read_wishes())


def _api(wishes: Wishes) -> str:
    return _serves("The API", wishes.reach, wishes.ports["PORT"])


def _stream(wishes: Wishes) -> str:
    return _serves("The live stream", wishes.reach, wishes.ports["STREAM_PORT"])


def _serves(who: str, host: str, port: int) -> str:
    try:
        database = json.loads(_get(host, port, "/health/ready"))["checks"]["database"]
    except (ValueError, TypeError, LookupError):
        raise Refusal(f"What answers on port {port} is not Pillio.") from None
    except (OSError, HTTPException):
        raise Refusal(f"{who} does not answer on port {port}.") from None
    if database != "ok":
        raise Refusal(f"{who} answers, but its database is {database}.")
    return f"{who} answers on port {port}."


def _flower(wishes: Wishes) -> str:
    port = wishes.ports["FLOWER_PORT"]
    try:
        answer = _get("127.0.0.1", port, "/healthcheck")
    except (OSError, HTTPException):
        answer = b""
    if answer != b"OK":
        raise Refusal(f"Flower does not answer on port {port}.")
    return f"Flower answers on port {port}."


def _get(host: str, port: int, path: str) -> bytes:
    """Whatever the status; over the loopback, never through a proxy that is set for the world outside."""
    with closing(HTTPConnection(host, port, timeout=_ANSWER_SECONDS)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


def _takes_tasks(node: str) -> Callable[[Wishes], str]:
    """Its main process answers a ping through the broker: it is alive, and would be given its tasks."""

    def ask(wishes: Wishes) -> str:
        _settle(wishes)
        name = f"{node}@{socket.gethostname()}"
        if not _pings(name):
            raise Refusal(f"{name} does not answer: it does not run, or it is not through to the broker.")
        return f"{name} takes tasks."

    return ask


def _pings(name: str) -> bool:
    from kombu.exceptions import OperationalError

    from tasks import app

    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_ANSWER_SECONDS)
            return bool(app.control.ping([name], timeout=_ANSWER_SECONDS, connection=connection))
    except (OperationalError, OSError):
        return False


def _beat(wishes: Wishes) -> str:
    """Of several beats it cannot be told which one was heard; the others are spare."""
    from sqlalchemy.exc import SQLAlchemyError

    from engine import clock
    from engine.db import connect, run
    from engine.pulse import beat
    from engine.settings import load

    _settle(wishes)
    engine = connect(load().database_url, "pillio healthcheck", pool_size=1)
    try:
        is_silent = run(engine, lambda session: beat.is_silent(session, now=clock.now()))
    except SQLAlchemyError:
        raise Refusal("The database does not answer, so it is not known whether beat is heard.") from None
    finally:
        engine.dispose()
    if is_silent:
        raise Refusal("No tick of beat's was taken up for three seconds: beat or the workers do not run.")
    return "Beat is heard."


def _settle(wishes: Wishes) -> None:
    """Our settings: of the one-machine stack if it runs here, else of the environment."""
    from ops import embedded, one_at_a_time, preflight

    if one_at_a_time.is_running(wishes.home):
        preflight.check_settings(embedded.of_the_running(wishes))
    elif wishes.database_url and wishes.redis_url:
        preflight.check_settings(wishes.environment)
    else:
        raise Refusal(f"Pillio does not run on {wishes.home}, and DATABASE_URL and REDIS_URL do not say where else.")


CHECKS: dict[str, Callable[[Wishes], str]] = {
    "api": _api,
    "stream": _stream,
    "worker": _takes_tasks("engine"),
    "upkeep": _takes_tasks("upkeep"),
    "sender": _takes_tasks("sender"),
    "beat": _beat,
    "flower": _flower,
}
