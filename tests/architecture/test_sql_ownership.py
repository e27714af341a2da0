"""SQL in strings keeps to the hill, too: a package writes its own tables and reads its own and those below it."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, everything, hill, is_below, of, planted
from tests.architecture.ownership import owners

# Above doses and notifications because of this: their rows are made in one statement, a hundred thousand at 08:00.
DISPATCH_WRITES = {"reminder_logs", "notifications", "outbox", "events"}

_NAME = r'(?:ONLY\s+)?(?:public\.)?"?(\w+?)(?:_default|_\d{6,8})?"?\b'
_WRITE = re.compile(
    r"\b(?:INSERT\s+INTO|(?<!FOR )(?<!DO )(?<!KEY )UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+"
    + _NAME,
    re.IGNORECASE,
)
_READ = re.compile(
    r"\b(?:FROM|JOIN|USING)\s+((?:LATERAL\s+)?(?:[\w.\"]+(?:\s+(?:AS\s+)?\w+)?\s*,\s*)*[\w.\"]+)", re.IGNORECASE
)


def _written(string: str) -> set[str]:
    return {name.lower() for name in _WRITE.findall(string)} & set(owners())


def _read(string: str) -> set[str]:
    """Tables after FROM, JOIN and USING, in lists as well."""
    found = {match for names in _READ.findall(string) for each in names.split(",") for match in re.findall(_NAME, each)}
    return {name.lower() for name in found} & set(owners())


def _trespasses(module: Module) -> Iterator[str]:
    mine = module.capability
    for node, string in module.strings():
        for table in _written(string):
            if owners()[table] != mine and not (mine == "dispatch" and table in DISPATCH_WRITES):
                yield f"{module.at(node)} writes {table}, which is {owners()[table]}'s"
        for table in _read(string):
            if not is_below(owners()[table], mine):
                yield f"{module.at(node)} reads {table} of {owners()[table]}, which is not below it"


def test_a_capability_writes_its_own_tables_and_reads_downhill() -> None:
    assert not [finding for module in of("engine") for finding in _trespasses(module)]


@pytest.mark.parametrize(
    ("package", "statement"),
    [
        ("doses", "UPDATE notifications SET read_at = :now"),
        ("doses", "INSERT INTO events (kind) VALUES ('dose')"),
        ("notifications", "DELETE FROM doses WHERE id = :id"),
        ("dispatch", "UPDATE stocks SET on_hand = 0"),
        ("dispatch", "DELETE FROM doses_20260301"),
        ("doses", "SELECT count(*) FROM outbox"),
        ("doses", "SELECT 1 FROM doses d, outbox o"),
        ("reminders", "SELECT r.id FROM reminders r LEFT JOIN doses d ON true"),
        ("reminders", "SELECT on_hand FROM stocks"),
        ("partitions", "TRUNCATE TABLE doses"),
    ],
)
def test_a_planted_trespass_is_seen(package: str, statement: str) -> None:
    source = f'def one(which):\n    return text(f"WITH x AS ({statement}) SELECT {{which}}")'

    assert list(_trespasses(planted(source, f"engine.{package}.planted")))


def test_what_is_allowed_is_not_seen() -> None:
    statement = (
        "INSERT INTO reminder_logs SELECT * FROM doses d JOIN medicines m ON true FOR UPDATE; "
        "INSERT INTO doses VALUES (1) ON CONFLICT (id) DO UPDATE SET slot = 1 WHERE x IS DISTINCT FROM y"
    )

    assert not list(_trespasses(planted(f'text("{statement}")')))
    assert not list(_trespasses(planted('"""Taken FROM outbox."""')))


def test_what_dispatch_may_write_it_does_write() -> None:
    written = {
        table
        for module in of("engine")
        if module.capability == "dispatch"
        for _, s in module.strings()
        for table in _written(s)
    }

    assert written >= DISPATCH_WRITES


def test_the_edges_name_no_table() -> None:
    edges = [module for module in everything() if not module.name.startswith("engine")]

    assert not [
        module.at(node) for module in edges for node, string in module.strings() if _written(string) | _read(string)
    ]


def test_every_table_belongs_to_a_capability_of_the_hill() -> None:
    assert set(owners().values()) <= {name for names in hill() for name in names}
