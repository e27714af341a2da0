"""What a task stands on: this process's connections, and the calls that wake others after a commit."""

import os
import time
from functools import lru_cache

import redis
from sqlalchemy import Engine

from engine.db import connect
from engine.events import wakes
from engine.settings import load
from tasks.celery import app

MUTE_SECONDS = 5.0
_mute = {"until": 0.0}  # on this process's monotonic clock


@lru_cache(maxsize=1)
def _engine_of(pid: int) -> Engine:
    return connect(load().database_url, f"pillio worker {pid}")


def database() -> Engine:
    """The pool of this process; a forked child never inherits its parent's connections."""
    return _engine_of(os.getpid())


@lru_cache(maxsize=1)
def _redis_of(_pid: int) -> "redis.Redis":
    return redis.Redis.from_url(load().redis_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=None)


def drains_waiting() -> int:
    """Drains that are published and not taken by a worker yet; 0 if the broker does not say."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    try:
        return int(_redis_of(os.getpid()).llen(f"{prefix}drain"))
    except (redis.RedisError, OSError):
        return 0


def wake_streams(shards: list[int]) -> None:
    """Live streams of these shards have something to read. Lost, it costs them a second.

    A broker that does not answer is left alone for a while: what waits for each call is the doses of the next shard.
    """
    if time.monotonic() < _mute["until"]:
        return
    try:
        _redis_of(os.getpid()).publish(wakes.CHANNEL, wakes.encode(shards))
    except (redis.RedisError, OSError):
        _mute["until"] = time.monotonic() + MUTE_SECONDS
