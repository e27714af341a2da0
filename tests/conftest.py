"""Real servers for the tests: one throwaway PostgreSQL and one Valkey for the whole run, one database per worker.

The controller starts both and migrates a template; xdist's workers find them in the environment and clone it.
Everything lies in a temporary folder and ends with the run, even when the run is killed.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from engine.settings import Settings, load
from ops import migrating, postgres, processes, valkey
from ops.ports import free_port
from ops.refusal import Refusal

TEMPLATE = "pillio_template"
SECRET_KEY = "a-key-for-tests-only-of-32-bytes-or-more"
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


# --- the servers, started by the controller -------------------------------------------------------------------------


@dataclass
class _Run:
    folder: Path
    postgres: Popen[bytes] | None = None
    valkey: Popen[bytes] | None = None

    def stop(self) -> None:
        if self.valkey:
            processes.stop_child(self.valkey, valkey.STOP_SIGNAL, 5)
        if self.postgres:
            processes.stop_child(self.postgres, postgres.STOP_SIGNAL, 10)
        shutil.rmtree(self.folder, ignore_errors=True)


_RUNS: list[_Run] = []


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or config.option.collectonly or config.option.help:
        return
    run = _Run(Path(tempfile.mkdtemp(prefix="pillio-test-")))
    _RUNS.append(run)
    try:
        _start(run)
    except Refusal as refusal:
        pytest.exit(str(refusal), returncode=3)


def pytest_unconfigure() -> None:
    while _RUNS:
        _RUNS.pop().stop()


def _start(run: _Run) -> None:
    cluster = postgres.Cluster(run.folder / "postgres", free_port(), "for-tests", durable=False)
    server = valkey.Server(run.folder / "valkey", free_port({cluster.port}), "for-tests", durable=False)
    postgres.prepare(cluster)
    valkey.prepare(server)
    run.postgres = postgres.start(cluster)
    run.valkey = valkey.start(server)
    postgres.ensure_database(cluster, TEMPLATE)
    os.environ["PILLIO_TEST_DATABASE_URL"] = cluster.url(TEMPLATE)
    os.environ["PILLIO_TEST_REDIS_URL"] = server.url()
    os.environ["PILLIO_TEST_HOME"] = str(run.folder)
    migrating.migrate(
        os.environ | {"DATABASE_URL": cluster.url(TEMPLATE), "REDIS_URL": server.url(), "SECRET_KEY": SECRET_KEY}
    )


# --- this worker's own database and queue ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def database_url() -> str:
    """A clone of the migrated template, this worker's alone."""
    template = os.environ["PILLIO_TEST_DATABASE_URL"]
    name = f"pillio_{_WORKER}"
    admin = make_url(template).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        _refuse_stranger(connection)
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY file_copy')
    return make_url(template).set(database=name).render_as_string(hide_password=False)


def _refuse_stranger(connection: psycopg.Connection) -> None:
    """Nothing is ever written to a server that this run did not start."""
    row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert Path(row[0]) == Path(os.environ["PILLIO_TEST_HOME"]) / "postgres"


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A logical database of Valkey, this worker's alone."""
    number = int(_WORKER.removeprefix("gw")) + 1 if _WORKER.startswith("gw") else 0
    return os.environ["PILLIO_TEST_REDIS_URL"].rpartition("/")[0] + f"/{number}"


@pytest.fixture(scope="session")
def environment(database_url: str, redis_url: str) -> Iterator[Settings]:
    """This process set up as an edge would be: over this worker's own database and queue, with cheap passwords."""
    ours = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": SECRET_KEY, "BCRYPT_ROUNDS": "4"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ours.items():
            patch.setenv(name, value)
        load.cache_clear()
        yield load()
    load.cache_clear()


@pytest.fixture(scope="session")
def db_engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"), pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture
def session(db_engine: Engine) -> Iterator[Session]:
    """Everything a test does, commits included, is undone at its end."""
    with db_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()


@pytest.fixture
def committed(db_engine: Engine, _seeds: dict[str, str]) -> Iterator[sessionmaker[Session]]:
    """For tests that need real commits: races, crashes, processes. The tables are emptied at the end."""
    yield sessionmaker(db_engine, expire_on_commit=False)
    with db_engine.begin() as connection:
        _empty_tables(connection)
        _put_back(connection, _seeds)


# --- emptying -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _seeds(db_engine: Engine) -> dict[str, str]:
    """What the migrations themselves put into tables (the shards and their cursors), as JSON by table."""
    with db_engine.connect() as connection:
        rows = {
            name: connection.scalar(text(f'SELECT jsonb_agg(to_jsonb(t)) FROM "{name}" t'))
            for name in _table_names(connection)
        }
    return {name: json.dumps(each) for name, each in rows.items() if each}


def _table_names(connection: Connection) -> list[str]:
    """Tables and partitioned tables, not their partitions; Alembic's own is left alone."""
    statement = text(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace "
        "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'"
    )
    return list(connection.scalars(statement))


def _empty_tables(connection: Connection) -> None:
    names = ", ".join(f'"{name}"' for name in _table_names(connection))
    if names:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def _put_back(connection: Connection, seeds: dict[str, str]) -> None:
    """As the migrations left them: in particular every shard's cursors are where they were at the start."""
    for name, rows in seeds.items():
        connection.execute(
            text(
                f'INSERT INTO "{name}" OVERRIDING SYSTEM VALUE '
                f'SELECT * FROM jsonb_populate_recordset(null::"{name}", CAST(:rows AS jsonb))'
            ),
            {"rows": rows},
        )
