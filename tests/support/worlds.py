"""A database as it is found, for as long as one example of a property lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.orm import Session


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Session]:
    """A session whose work is undone on leaving: each example of Hypothesis begins with an empty world."""
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        transaction.rollback()
