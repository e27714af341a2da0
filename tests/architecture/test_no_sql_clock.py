"""The database's clock is never asked: not in code, not in a default, not in anything a migration left behind."""

import ast
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from engine.metadata import metadata
from tests.architecture.house import Module, migrations, of, planted

# What PostgreSQL reads its clock by. One argument to `age` counts from midnight; 'now' and the like are dates, too.
SQL_CLOCK = re.compile(
    r"\b(now|(clock|statement|transaction)_timestamp|timeofday|getdate)\s*\(\s*\)"
    r"|\bage\s*\([^,()]*\)"
    r"|(?<![/\w])(current_(timestamp|date|time)|localtime(stamp)?)\b"
    r"|'(now|today|tomorrow|yesterday)'\s*::|\b(date|timestamptz|timestamp|time)\s+'(now|today|tomorrow|yesterday)'",
    re.IGNORECASE,
)
ZONES_NOT_PLACES = {"localtime"}  # a name in the zone database
FUNC_CLOCKS = {
    "age", "now", "current_timestamp", "current_date", "current_time", "localtime", "localtimestamp", "clock_timestamp",
    "statement_timestamp", "transaction_timestamp", "timeofday", "sysdate",
}  # fmt: skip


def _sql_clocks(module: Module) -> Iterator[str]:
    for node, string in module.strings():
        found = SQL_CLOCK.search(string)
        if found and string not in ZONES_NOT_PLACES:
            yield f"{module.at(node)} says {found[0]}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in FUNC_CLOCKS and ast.unparse(node.value).endswith("func"):
            yield f"{module.at(node)} says {ast.unparse(node)}"


def test_no_code_asks_the_clock_of_the_database() -> None:
    written = [Module(f"migrations.{path.stem}", path.read_text()) for path in migrations()]
    looked_at = [*of("engine", "api", "tasks", "ops"), *written]

    found = [finding for module in looked_at for finding in _sql_clocks(module)]
    assert [finding.partition(":")[0] for finding in found] == ["engine.clock"]  # compares the two, and no more


@pytest.mark.parametrize(
    "line",
    [
        'text("SELECT now()")',
        'text("UPDATE doses SET closes_at = CURRENT_TIMESTAMP")',
        "text(f\"SELECT {x} WHERE due_at < clock_timestamp() - interval '1 day'\")",
        "text(\"SELECT 'now'::timestamptz\")",
        "text(\"SELECT date 'today'\")",
        'text("SELECT age(due_at) FROM doses")',
        'mapped_column(server_default="localtimestamp")',
        "select(func.now())",
        "select(sa.func.current_date)",
    ],
)
def test_a_planted_sql_clock_is_seen(line: str) -> None:
    assert list(_sql_clocks(planted(line)))


def test_what_only_sounds_like_a_clock_is_left_alone() -> None:
    source = (
        '"""Never now()."""\nnow = clock.now()\ntext("SELECT age(a, b), nowhere(), :now, knowing(), /etc/localtime")'
    )

    assert not list(_sql_clocks(planted(source)))


def test_no_column_defaults_to_a_clock() -> None:
    defaults = {
        f"{table.name}.{column.name}": str(getattr(column.server_default, "arg", column.server_default))
        for table in metadata.tables.values()
        for column in table.columns
        if column.server_default is not None
    }

    assert defaults  # there are some: sequences, the transaction id, zeros
    assert not {name: default for name, default in defaults.items() if SQL_CLOCK.search(default)}


def test_nothing_in_the_migrated_database_reads_a_clock(db_engine: Engine) -> None:
    """Defaults, checks, index predicates, views, functions: whatever a migration may have written there."""
    kept = text(
        "SELECT adrelid::regclass::text, pg_get_expr(adbin, adrelid) FROM pg_attrdef"
        " UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION ALL SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"
        " UNION ALL SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    with db_engine.connect() as connection:
        written = connection.execute(kept).all()
        triggers = connection.scalar(text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"))

    assert len(written) > 40
    assert not [row for row in written if SQL_CLOCK.search(row[1])]
    assert triggers == 0  # what happens is in the statement that does it
