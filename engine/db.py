"""Connections and transactions. One driver (psycopg 3) for the sync edges and the async one.

Sessions are bounded on the server's side: nothing waits for a lock or sits in a transaction for ever,
because one forgotten BEGIN would hold back the fence of every stream.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session

LOCK_TIMEOUT_SECONDS = 5
IDLE_TIMEOUT_SECONDS = 60
RETRIES = 3
_RETRYABLE = {"40001", "40P01"}  # serialization failure, deadlock: the whole transaction may run again

T = TypeVar("T")


def _connect_args(application: str) -> dict[str, Any]:
    options = (
        f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s "
        f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_SECONDS}s -c timezone=UTC"
    )
    return {"options": options, "application_name": application, "connect_timeout": 5}


def connect(url: str, application: str, pool_size: int = 4) -> Engine:
    """A pool for synchronous edges (Celery, commands)."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_pre_ping=True,
        pool_use_lifo=True,
        pool_timeout=5,
        hide_parameters=True,  # an error may reach a log, and what people typed must not
        connect_args=_connect_args(application),
    )


def connect_async(url: str, application: str, pool_size: int) -> AsyncEngine:
    """A pool for the API and the stream. `max_overflow=0`: a semaphore before it is what queues, fairly."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        pool_use_lifo=True,
        pool_timeout=5,
        hide_parameters=True,  # an error may reach a log, and what people typed must not
        connect_args=_connect_args(application),
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One session, one transaction, committed on leaving."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def is_retryable(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _RETRYABLE


def run(engine: Engine, work: Callable[[Session], T]) -> T:
    """`work` in a transaction of its own, again if PostgreSQL asks for that."""
    for attempt in range(RETRIES):
        try:
            with transaction(engine) as session:
                return work(session)
        except DBAPIError as error:
            if attempt == RETRIES - 1 or not is_retryable(error):
                raise
    raise AssertionError("unreachable")
