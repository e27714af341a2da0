"""The tables: each has one owner that says so, none is forgotten, and their columns are called what they are."""

import re

from sqlalchemy import DateTime

from engine.metadata import metadata
from engine.partitions import TABLES as PARTITIONED
from tests.architecture.house import hill, of
from tests.architecture.ownership import owners

# Of nobody in particular; a refresh token hangs on its session.
WITHOUT_PERSON = {"users", "refresh_tokens", "pulses", "outages", "shards"}


def test_the_hill_places_every_capability() -> None:
    packages = {module.capability for module in of("engine")} - {"engine"}
    places = {name for names in hill() for name in names}

    assert packages <= places
    assert places - packages <= {"reports", "documents"}


def test_every_table_says_whose_its_rows_are() -> None:
    anonymous = {table.name for table in metadata.tables.values() if "user_id" not in table.columns}

    assert anonymous == WITHOUT_PERSON


def test_the_column_that_cuts_the_partitions_is_in_the_primary_key() -> None:
    """Else the key would not be unique across partitions."""
    declared = {table.name: table.dialect_options["postgresql"]["partition_by"] for table in metadata.tables.values()}

    assert {name: cut for name, cut in declared.items() if cut} == {
        kind.table: f"RANGE ({kind.column})" for kind in PARTITIONED
    }
    for kind in PARTITIONED:
        assert kind.column in metadata.tables[kind.table].primary_key.columns


def test_every_models_module_is_in_the_metadata() -> None:
    [listed] = [module for module in of("engine") if module.name == "engine.metadata"]
    imported = set(re.findall(r"^import (engine\.\w+\.models)", listed.source, re.MULTILINE))

    assert imported == {module.name for module in of("engine") if module.name.endswith(".models")}


def test_every_table_is_named_by_the_package_that_owns_it() -> None:
    said = {}
    for module in of("engine"):
        if owned := re.search(r"\bOwns (.+?)\.(?:\s|$|\"\"\")", module.source.split('"""')[1], re.DOTALL):
            said[module.capability] = set(re.findall(r"`(\w+)`", owned[1])) & set(owners())

    assert said == {owner: {table for table in owners() if owners()[table] == owner} for owner in owners().values()}


def test_instants_are_called_at_and_wall_clocks_local() -> None:
    wrong = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime) and not column.name.endswith("_at" if column.type.timezone else "_local")
    ]

    assert not wrong
