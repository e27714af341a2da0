"""The OpenAPI document as tests walk it: operations, their fields, and values to fill them with."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PREFIX = "/api/v1"
# what people, clients and attackers send where something else is wanted
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**4000,
    "", " ", "0", "-1", "NaN", "Infinity", "1e400", "a\x00b", "\ud800", "\udfff", "\U0001f48a", "\u202e", "\ufeff",
    "\x1c", "\r\nX: y", "%", "_", "\\", "'; --", "x" * 300, "é" * 5000, "0001-01-01", "1899-12-31", "2200-12-31",
    "2201-01-01", "9999-12-31", "2026-02-30", "24:00", "23:59:60", "08:00+02:00", "1900-01-01T00:00:00+14:00",
    "2200-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "2026-03-03T08:00:00", "Factory", "../../etc/passwd",
    "½", "1/0", "1,000", "9" * 30, [], {}, [None], [[]], [True], {"a": 1},
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """`path` is below /api/v1, with the names of numbers in braces."""

    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None

    def named(self, where: str) -> list[str]:
        return [each["name"] for each in self.parameters if each["in"] == where]


@dataclass
class Filler:
    """Values for a schema: mostly what is meant, now and then something hostile. `numbers` are ids that exist."""

    document: dict[str, Any]
    random: random.Random
    numbers: dict[str, list[int]] = field(default_factory=dict)
    hostility: float = 0.1

    def value(self, schema: dict[str, Any], name: str = "") -> Any:
        if self.random.random() < self.hostility:
            return self.random.choice(HOSTILE)
        if name in self.numbers and self.random.random() < 0.8:
            return self.random.choice(self.numbers[name])
        schema = resolved(self.document, schema)
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]), name)
        if "enum" in schema or "const" in schema:
            return self.random.choice(schema.get("enum") or [schema["const"]])
        return self._of_type(schema, name)

    def _of_type(self, schema: dict[str, Any], name: str) -> Any:
        match schema.get("type"):
            case "object":
                needed = schema.get("required", ())
                chosen = [one for one in schema.get("properties", {}) if one in needed or self.random.random() < 0.5]
                return {one: self.value(schema["properties"][one], one) for one in chosen}
            case "array":
                return [self.value(schema["items"], name) for _ in range(self.random.choice((0, 1, 2, 5)))]
            case "integer" | "number":
                low, high = schema.get("minimum", -5), schema.get("maximum", 500)
                return self.random.choice((low, low + 1, high, low - 1, high + 1, (low + high) / 2))
            case "boolean":
                return self.random.choice((True, False))
            case "string":
                return self._text(schema)
        return self.random.choice(HOSTILE)

    def _text(self, schema: dict[str, Any]) -> str:
        longest = schema.get("maxLength", 50)
        written = {
            "date": ("2026-03-03", "2026-03-10", "1900-01-01", "2200-12-31"),
            "time": ("08:00", "20:00:00", "00:00", "23:59:59"),
            "date-time": ("2026-03-03T06:00:00Z", "2026-03-03T08:00:00+02:00", "2025-03-04T00:00:00-09:00"),
        }
        usual = ("1", "½", "tablet", f"Zinc {self.random.random()}", "x" * longest, "x" * (longest + 1))
        return self.random.choice(written.get(schema.get("format", ""), usual))


def hostile(nth: int, *, of: int) -> tuple[Any, ...]:
    """One of so many equal shares: neighbours get different ones, and all together get everything."""
    return HOSTILE[nth % of :: of]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Those below /api/v1, without the stream itself: it does not end."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path.startswith(PREFIX) and not path.endswith("/stream"):
                content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                parameters = tuple(operation.get("parameters", ()))
                yield Operation(method.upper(), path.removeprefix(PREFIX), parameters, content.get("schema"))


def fields_of(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields of a body, whether or not there may be none."""
    schema = resolved(document, schema)
    for one in schema.get("anyOf", ()):
        if resolved(document, one).get("type") == "object":
            return fields_of(document, one)
    found: dict[str, dict[str, Any]] = schema.get("properties", {})
    return found
