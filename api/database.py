"""The bridge from async HTTP to the engine's plain `Session`: one `run_sync` per request, on psycopg's async driver.

Reads run in AUTOCOMMIT: a rollback at the end would make psycopg forget every prepared statement. A semaphore before
the pool serves in the order of arrival, so that under load everybody waits a little and nobody waits for ever.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import redis.asyncio as redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from engine.db import RETRIES, connect_async, is_retryable
from engine.events import wakes
from engine.settings import Settings

AT_ONCE = 6  # requests in the database per process, and connections
WAIT_SECONDS = 5.0
T = TypeVar("T")


class Database:
    """One per process. `read` and `write` take engine work: a function of a session."""

    def __init__(self, settings: Settings) -> None:
        self._engine = connect_async(settings.database_url, "pillio api", AT_ONCE)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.broker = redis.Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1, retry=None)
        self._calls: set[asyncio.Task[None]] = set()

    async def read(self, work: Callable[[Session], T]) -> T:
        """Each statement sees what is committed when it runs."""
        async with self._my_turn(), AsyncSession(self._reading, expire_on_commit=False) as session:
            return await session.run_sync(work)

    async def write(self, work: Callable[[Session], T]) -> T:
        """One transaction, committed when this returns; run again if PostgreSQL asks for that."""
        for attempt in range(RETRIES):
            try:
                async with (
                    self._my_turn(),
                    AsyncSession(self._engine, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    return await session.run_sync(work)
            except DBAPIError as error:
                if attempt == RETRIES - 1 or not is_retryable(error):
                    raise
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        """Raises TimeoutError when it does not come soon: better a clear 503 than a request that hangs."""
        await asyncio.wait_for(self._turn.acquire(), WAIT_SECONDS)
        try:
            yield
        finally:
            self._turn.release()

    def wake(self, shard: int) -> None:
        """Tell live streams after a commit, without making anybody wait for the broker."""
        call = asyncio.create_task(self._publish(shard))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _publish(self, shard: int) -> None:
        with contextlib.suppress(redis.RedisError, OSError, TimeoutError):
            await self.broker.publish(wakes.CHANNEL, wakes.encode([shard]))

    async def close(self) -> None:
        await self.broker.aclose()
        await self._engine.dispose()
