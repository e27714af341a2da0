"""Who listens in this process, and one subscription to the broker that calls them.

While the broker is away everybody is called once a second, otherwise every five: what a lost call costs.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import redis.asyncio as redis
import structlog

from engine.events import wakes

CALL_ALL_SECONDS = 5.0
WITHOUT_BROKER_SECONDS = 1.0
log = structlog.get_logger()


class Listener:
    """One open stream: called when there may be something to read."""

    __slots__ = ("_bell", "is_closed")

    def __init__(self) -> None:
        self._bell = asyncio.Event()
        self.is_closed = False

    def call(self) -> None:
        self._bell.set()

    def close(self) -> None:
        self.is_closed = True
        self._bell.set()

    async def called(self, seconds: float) -> bool:
        """False if nobody called for so long."""
        try:
            await asyncio.wait_for(self._bell.wait(), seconds)
        except TimeoutError:
            return False
        self._bell.clear()
        return True


class Hub:
    """The streams of this process, by the shard their person lives in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._by_shard: dict[int, set[Listener]] = {}
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        return self._count >= self._most

    @contextlib.contextmanager
    def listening(self, shard: int) -> Iterator[Listener]:
        listener = Listener()
        self._count += 1
        self._by_shard.setdefault(shard, set()).add(listener)
        if self._is_closed:
            listener.close()
        try:
            yield listener
        finally:
            self._count -= 1
            self._by_shard[shard].discard(listener)

    def call(self, shards: set[int]) -> None:
        for shard in shards & self._by_shard.keys():
            for listener in self._by_shard[shard]:
                listener.call()

    def call_all(self) -> None:
        self.call(set(self._by_shard))

    def close_all(self) -> None:
        """For good: who comes later is closed as well."""
        self._is_closed = True
        for listeners in self._by_shard.values():
            for listener in listeners:
                listener.close()

    @contextlib.contextmanager
    def closing_on_stop(self) -> Iterator[None]:
        """Close all as soon as the process is told to stop. The server waits for answers that are under way, and what
        is still open when its patience ends it cuts off as an error."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

        def stop(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.close_all)
            then = before[signal.Signals(number)]
            if callable(then):
                then(number, frame)

        for each in before:
            signal.signal(each, stop)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def follow(self, broker: "redis.Redis") -> None:
        """Pass the broker's calls on, for as long as the process lives."""
        while True:
            try:
                await self._subscribed(broker)
            except (redis.RedisError, OSError, TimeoutError) as error:
                log.warning("stream.broker_away", error=type(error).__name__)
            self.call_all()
            await asyncio.sleep(WITHOUT_BROKER_SECONDS)

    async def _subscribed(self, broker: "redis.Redis") -> None:
        loop = asyncio.get_running_loop()
        call_all_at = loop.time()
        async with broker.pubsub(ignore_subscribe_messages=True) as calls:
            await calls.subscribe(wakes.CHANNEL)
            while True:
                call = await calls.get_message(ignore_subscribe_messages=True, timeout=1.0)
                if call is not None:
                    self.call(wakes.decode(call["data"]))
                if loop.time() >= call_all_at:
                    call_all_at = loop.time() + CALL_ALL_SECONDS
                    self.call_all()
