"""Put messages into the queues by hand: again, too late, out of order, or such as no version of ours sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from celery import Celery

from tests.support.playing import Stage
from tests.support.queues import PREFIX

QUEUES = {"pillio.tick": "tick", "pillio.drain": "drain", "pillio.send": "send"}


@dataclass(frozen=True)
class Pusher:
    """Talks to a stage's broker as any client could."""

    app: Celery
    broker: "redis.Redis"

    def push(self, task: str, *arguments: Any, **options: Any) -> None:
        self.app.send_task(task, arguments, queue=QUEUES.get(task, "upkeep"), **options)

    def push_raw(self, queue: str, body: bytes) -> None:
        """Whatever it is."""
        self.broker.lpush(PREFIX + queue, body)

    def left(self) -> int:
        """What nobody has taken yet."""
        return sum(int(self.broker.llen(PREFIX + queue)) for queue in {*QUEUES.values(), "upkeep"})


@contextmanager
def pushing(stage: Stage) -> Iterator[Pusher]:
    url = stage.environment["REDIS_URL"]
    with Celery("pusher", broker=url, set_as_current=False) as app, redis.Redis.from_url(url) as broker:
        app.conf.broker_transport_options = {"global_keyprefix": PREFIX}
        yield Pusher(app, broker)
        app.pool.force_close_all()
