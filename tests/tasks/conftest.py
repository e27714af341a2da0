"""This process as a worker's, over its own database and queue, with a clock that a test may hold."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import redis
from sqlalchemy.orm import Session, sessionmaker

from engine import clock
from engine.settings import Settings, load
from tasks import app, edge
from tests.support.mailbox import HOST, Mailbox, mailbox
from tests.support.messages import SENDER
from tests.support.queues import Broker

HoldClock = Callable[[datetime], None]


@pytest.fixture(scope="session")
def _connections(environment: Settings) -> Iterator[None]:
    yield
    edge.database().dispose()
    edge._redis_of(os.getpid()).close()
    app.pool.force_close_all()


@pytest.fixture
def broker(_connections: None, redis_url: str) -> Iterator[Broker]:
    """An empty queue, emptied again at the end."""
    with redis.Redis.from_url(redis_url) as connection:
        connection.flushdb()
        yield Broker(connection)
        connection.flushdb()


@pytest.fixture
def world(broker: Broker, committed: sessionmaker[Session]) -> sessionmaker[Session]:
    """Real commits in a database that tasks see, too."""
    return committed


@pytest.fixture
def hold_clock(monkeypatch: pytest.MonkeyPatch) -> HoldClock:
    """The clock of the edges stands at this instant until it is held at another."""

    def hold(at: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: at)
        monkeypatch.setattr(clock, "of_database", lambda _: at)

    return hold


@pytest.fixture
def post(_connections: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A relay, and settings that name it."""
    with mailbox() as box:
        said = {"SMTP_HOST": HOST, "SMTP_PORT": str(box.port), "SMTP_TLS": "none", "EMAILS_FROM_EMAIL": SENDER}
        said["SSL_CERT_FILE"] = os.devnull  # nothing is encrypted here, and to read a machine's takes most of the time
        for name, value in said.items():
            monkeypatch.setenv(name, value)
        load.cache_clear()
        yield box
        monkeypatch.undo()
        load.cache_clear()
