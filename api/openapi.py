"""The OpenAPI document, from which clients are generated: the routes are FastAPI's, what they have in common is here.

Every error is a problem whose `detail` is a sentence; whoever asks about a person is signed in.
"""

from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from pydantic import Field

from api.shapes import Shown

PROBLEM = "application/problem+json"
VERSION = version("pillio")
_SIGNED_IN: list[dict[str, list[str]]] = [{"bearer": []}]
_BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")  # errors of ours do not look like that


class Misfit(Shown):
    field: str = Field(description="Where: names and places in lists, joined by dots")
    message: str


class Problem(Shown):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="A sentence, fit to show to the person")
    code: str = Field(description="Stable, for programs")
    errors: list[Misfit] | None = Field(None, description="Every field that was wrong, where fields were")


class Documented(FastAPI):
    """An application whose document says how it answers when it does not do what was asked."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _add_components(document["components"])
            for item in document["paths"].values():
                for operation in item.values():
                    _add_problems(operation)
        return self.openapi_schema or {}


def _add_components(components: dict[str, Any]) -> None:
    schemas = components["schemas"]
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {"Problem": {"description": "What was wrong, in a sentence", "content": content}}
    components["securitySchemes"] = {"bearer": _BEARER}


def _add_problems(operation: dict[str, Any]) -> None:
    if any(parameter["name"] == "pillio-person" for parameter in operation.get("parameters", ())):
        operation["security"] = _SIGNED_IN
    answers = operation["responses"]
    answers.pop(str(HTTPStatus.UNPROCESSABLE_ENTITY.value), None)
    answers |= {family: {"$ref": "#/components/responses/Problem"} for family in ("4XX", "5XX")}
