"""What a task stands on."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from engine.db import run
from tasks import edge
from tests.support.queues import Broker

SECRET = "Metformin"


def test_an_error_of_the_database_does_not_repeat_what_people_typed(broker: Broker) -> None:
    with pytest.raises(DBAPIError) as failed:
        run(
            edge.database(),
            lambda session: session.execute(text("SELECT 1 / :zero, :drug"), {"zero": 0, "drug": SECRET}),
        )
    assert SECRET not in str(failed.value)


def test_streams_are_called_for_the_shards_that_have_something_new(broker: Broker) -> None:
    with broker.hearing() as calls:
        edge.wake_streams([7, 63])
        assert calls.has_heard(63)
