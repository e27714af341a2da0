"""Whose each table is: the capability whose `models` maps it."""

from functools import lru_cache

from sqlalchemy import Table

from engine.metadata import metadata
from engine.tables import Base


@lru_cache(maxsize=1)
def owners() -> dict[str, str]:
    """Capability by table."""
    found = {}
    for mapper in Base.registry.mappers:
        assert isinstance(mapper.local_table, Table)
        found[mapper.local_table.name] = mapper.class_.__module__.split(".")[1]
    assert set(found) == set(metadata.tables)
    return found
