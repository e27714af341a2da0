"""Writes the generated part of docs/data-model.md from the metadata: `python -m tests.architecture.data_model`."""

import importlib
from collections.abc import Iterator

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from engine.metadata import metadata
from engine.tables import Base
from tests.architecture.house import ROOT, hill, of
from tests.architecture.meanings import MEANINGS
from tests.architecture.ownership import owners
from tests.architecture.pages import first_paragraph, remarks, rewrite, row, table

PAGE = "data-model.md"
GENERATOR = "tests.architecture.data_model"
LEGEND = "A thin arrow: may know, and all that is below. A thick one: its tables point there. Dashed: to come."
_DIALECT = postgresql.dialect()


def written() -> str:
    """The generated part: the hill, then every table from the bottom of the hill to its top."""
    capabilities = [name for names in hill() for name in sorted(names) if name in set(owners().values())]
    lines = ["## The hill", "", LEGEND, "", *_diagram(), "", "## Tables, from the bottom up"]
    for capability in capabilities:
        lines += [
            "",
            f"### `engine/{capability}/`",
            "",
            first_paragraph(importlib.import_module(f"engine.{capability}").__doc__),
        ]
        for name in sorted(owners()):
            if owners()[name] == capability:
                lines += _described(metadata.tables[name])
    return "\n".join(lines)


# --- the hill -------------------------------------------------------------------------------------------------------


def _diagram() -> Iterator[str]:
    """Layers from the top, the kernel as one."""
    layers = [names for names in (_shown(names) for names in reversed(hill())) if names]
    here = {module.capability for module in of("engine")}
    yield from ("```mermaid", "flowchart TB")
    for name in (name for names in layers for name in names):
        tables = "<br/>".join(sorted(table for table, owner in owners().items() if owner == name))
        yield f'  {name}["<b>{name}</b><br/>{tables or "to come"}"]{"" if name in here else ":::later"}'
    yield '  kernel["<b>kernel</b><br/>' + ", ".join(sorted(_kernel())) + '"]'
    for higher, lower in zip(layers, [*layers[1:], ("kernel",)], strict=True):
        yield f"  {' & '.join(higher)} --> {' & '.join(lower)}"
    yield from (f"  {mine} ==> {theirs}" for mine, theirs in sorted(_tied()))
    yield from ("  classDef later stroke-dasharray: 4", "```")


def _shown(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(name for name in names if name not in _kernel() and name != "metadata"))


def _kernel() -> set[str]:
    """The modules that stand in the hill without being packages."""
    modules = {module.name for module in of("engine")}
    packages = {name.split(".")[1] for name in modules if name.count(".") > 1}
    return {name.split(".")[1] for name in modules if name.count(".") == 1} - packages - {"metadata"}


def _tied() -> set[tuple[str, str]]:
    return {
        (owners()[each.name], owners()[key.column.table.name])
        for each in metadata.tables.values()
        for key in each.foreign_keys
        if owners()[each.name] != owners()[key.column.table.name]
    }


# --- one table ------------------------------------------------------------------------------------------------------


def _described(each: Table) -> Iterator[str]:
    [mapped] = [mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is each]
    module = importlib.import_module(mapped.__module__)
    path = ROOT / (mapped.__module__.replace(".", "/") + ".py")
    yield from ("", f"#### `{each.name}`", "", first_paragraph(mapped.__doc__ or module.__doc__))
    cut = each.dialect_options["postgresql"]["partition_by"]
    if cut:
        yield from ("", f"Partitioned by `{cut}`.")
    yield from ("", *table("Column", "Type", "Null", "What it is"))
    for column in each.columns:
        yield row(
            f"`{column.name}`",
            _type(column),
            "yes" if column.nullable else "",
            remarks(path).get((mapped.__name__, column.name), ""),
        )
    yield from ("", *table("Key, check or index", "Over", "What it forbids or serves"))
    yield from _keys(each)


def _type(column: Column[object]) -> str:
    kind = column.type.compile(dialect=_DIALECT).lower()
    kind = kind.replace("timestamp with time zone", "timestamptz").replace("timestamp without time zone", "timestamp")
    if column.identity is not None:
        return f"{kind}, identity"
    default = getattr(column.server_default, "arg", None)
    if default is None:
        return kind
    return f"{kind}, default `{default.compile(dialect=_DIALECT)}`"


def _keys(each: Table) -> Iterator[str]:
    yield row(f"`{each.primary_key.name}`", _names(each.primary_key.columns), "primary key")
    for key in sorted(each.foreign_key_constraints, key=lambda key: str(key.name)):
        target = f"{key.referred_table.name} ({', '.join(element.column.name for element in key.elements)})"
        yield row(f"`{key.name}`", _names(key.columns), f"foreign key to {target}{_on_delete(key.ondelete)}")
    for constraint in sorted(each.constraints, key=lambda constraint: str(constraint.name)):
        if isinstance(constraint, UniqueConstraint):
            yield row(f"`{constraint.name}`", f"unique {_names(constraint.columns)}", MEANINGS[str(constraint.name)])
        elif isinstance(constraint, CheckConstraint):
            yield row(f"`{constraint.name}`", f"`{constraint.sqltext}`", MEANINGS[str(constraint.name)])
    for index in sorted(each.indexes, key=lambda index: str(index.name)):
        yield row(f"`{index.name}`", _indexed(index), MEANINGS[str(index.name)])


def _indexed(index: Index) -> str:
    where = index.dialect_options["postgresql"]["where"]
    return (
        ("unique " if index.unique else "") + _names(index.columns) + (f" where `{where}`" if where is not None else "")
    )


def _names(columns: object) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)  # type: ignore[attr-defined]


def _on_delete(rule: str | None) -> str:
    if not rule:
        return ""
    return ", deleted with it" if rule == "CASCADE" else ", outlives it"


if __name__ == "__main__":
    rewrite(PAGE, GENERATOR, written())
