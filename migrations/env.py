"""How migrations run: one at a time in the cluster, with timeouts, so that a deploy never queues up behind a lock."""

import re
from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool, text

from engine.metadata import metadata
from engine.partitions import TABLES
from engine.settings import load

_PARTITION = re.compile(rf"^({'|'.join(kind.table for kind in TABLES)})_(default|\d{{6,8}})$")


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Partitions are made by the engine as time goes by; the migrations know their parents only."""
    return not (kind == "table" and name and _PARTITION.match(name))


def run() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or load().database_url
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = '10min'"))  # bounds the wait for another's migrations, too
        connection.execute(text("SELECT pg_advisory_lock(hashtext('pillio.migrations'))"))
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_name=include_name,
            transaction_per_migration=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
