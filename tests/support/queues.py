"""Look at the broker as it is: what lies in the queues, and who is called to read."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

from engine.events import wakes

PREFIX = "pillio:celery:"
PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Broker:
    """This worker's own logical database of Valkey."""

    redis: "redis.Redis"

    def queued(self, queue: str) -> list[tuple[str, list[Any]]]:
        """Task and arguments of every message in a queue, the oldest first."""
        raw = self.redis.lrange(PREFIX + queue, 0, -1)
        return [_read(json.loads(message)) for message in reversed(raw)]

    def names(self) -> set[str]:
        """The queues with something in them."""
        keys = {key.decode().removeprefix(PREFIX) for key in self.redis.keys(f"{PREFIX}*")}
        return {name for name in keys if not name.startswith(("_kombu", "unacked"))}

    @contextmanager
    def hearing(self) -> Iterator["Calls"]:
        """What streams are called for, from here on."""
        with self.redis.pubsub(ignore_subscribe_messages=True) as calls:
            calls.subscribe(wakes.CHANNEL)
            calls.get_message(timeout=PATIENCE_SECONDS)
            yield Calls(calls)


@dataclass(frozen=True)
class Calls:
    pubsub: Any

    def has_heard(self, shard: int) -> bool:
        """Channels are shared by all tests that run now, so others' shards may be called, too."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            call = self.pubsub.get_message(timeout=0.1)
            if call and shard in wakes.decode(call["data"]):
                return True
        return False


def _read(message: dict[str, Any]) -> tuple[str, list[Any]]:
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    assert kwargs == {}
    return message["headers"]["task"], args
