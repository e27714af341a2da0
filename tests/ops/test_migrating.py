"""A database that another version has written is refused in one sentence, and left as it is."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from ops import migrating
from ops.refusal import Refusal


@pytest.fixture
def of_the_future(database_url: str) -> Iterator[str]:
    """A database whose revision this checkout does not know."""
    name = f"{make_url(database_url).database}_of_the_future"
    admin = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    url = make_url(database_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(url) as ours:
            ours.execute("CREATE TABLE alembic_version AS SELECT '9999'::varchar(32) AS version_num")
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_database_of_a_later_version_is_refused_and_untouched(
    of_the_future: str, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": of_the_future, "REDIS_URL": "redis://127.0.0.1:1", "SECRET_KEY": "k" * 64}
    with pytest.raises(Refusal, match=r"written by another version of Pillio \(its revision 9999 is not known here\)"):
        migrating.migrate(os.environ | environment)
    assert capfd.readouterr().out == ""
    with psycopg.connect(of_the_future) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert found == [("alembic_version",)]
