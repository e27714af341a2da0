"""The code as the architecture tests see it: modules parsed once, and the hill as `pyproject.toml` declares it."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("schedules", "engine", "api", "tasks", "ops")
HILL = "The engine is one hill"


@dataclass(frozen=True)
class Module:
    """One file of code; `name` as it is imported. A planted one has a name and no file."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def capability(self) -> str:
        """The second part of an engine module's name ("doses"); of an edge, the edge itself."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "engine" and len(parts) > 1 else parts[0]

    def at(self, node: ast.AST) -> str:
        """Where a finding is, for the reader of a failed test."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"

    def strings(self) -> Iterator[tuple[ast.AST, str]]:
        """Every string that is not documentation. What an f-string puts in is a gap: `…`."""
        inside: set[ast.AST] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                inside.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                inside.update(part for part in node.values if isinstance(part, ast.Constant))
                yield node, "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
                yield node, node.value

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def planted(source: str, name: str = "engine.doses.planted") -> Module:
    """Code that is not there, to see that a check finds what it is for."""
    return Module(name, source)


@lru_cache(maxsize=1)
def everything() -> tuple[Module, ...]:
    """All modules of the code packages and `celeryconfig`; migrations and tests are not among them."""
    files = [path for package in CODE for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple(_read(path) for path in [*files, ROOT / "celeryconfig.py"])


def of(*packages: str) -> list[Module]:
    return [module for module in everything() if module.name.split(".")[0] in packages]


def migrations() -> list[Path]:
    return sorted((ROOT / "migrations" / "versions").glob("*.py"))


def _read(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return Module(".".join(parts).removesuffix(".__init__"), path.read_text())


@lru_cache(maxsize=1)
def contracts() -> tuple[dict[str, object], ...]:
    """The contracts of import-linter, as written."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tuple(tomllib.load(file)["tool"]["importlinter"]["contracts"])


@lru_cache(maxsize=1)
def hill() -> tuple[tuple[str, ...], ...]:
    """The layers of the engine, lowest first; of each, who stands in it. Places kept for later are in it too."""
    [layers] = [contract["layers"] for contract in contracts() if contract["name"] == HILL]
    assert isinstance(layers, list)
    return tuple(tuple(name.strip(" ()") for name in layer.replace(":", "|").split("|")) for layer in reversed(layers))


def is_below(lower: str, higher: str) -> bool:
    """May `higher` know `lower`? Neighbours of one layer may not know each other; one knows oneself."""
    levels = {name: level for level, names in enumerate(hill()) for name in names}
    return lower == higher or levels[lower] < levels[higher]
