"""The OpenAPI document, from which clients are generated, is true and complete."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from tests.support.callers import Caller

WITHOUT_BODY = {"GET /notifications/stream", "GET /metrics"}  # no JSON: what they answer is no model
PROBLEM = {"$ref": "#/components/responses/Problem"}


@pytest.fixture
def document(anybody: Caller) -> dict[str, Any]:
    found: dict[str, Any] = anybody.http.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path.removeprefix('/api/v1')}", operation


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema below a node."""
    if isinstance(node, dict):
        if "type" in node or "$ref" in node or "anyOf" in node:
            yield node
        for each in node.values():
            yield from schemas(each)
    if isinstance(node, list):
        for each in node:
            yield from schemas(each)


@pytest.mark.usefixtures("app")
def test_every_route_answers_with_a_model() -> None:
    from api import health
    from api.main import NOUNS

    for router in (*NOUNS, health.router):
        for route in router.routes:
            assert isinstance(route, APIRoute)
            assert route.include_in_schema
            for method in route.methods:
                if f"{method} {route.path}" not in WITHOUT_BODY and route.status_code != 204:
                    assert route.response_model is not None, route.path


def test_operations_have_names_of_their_own_that_make_good_functions(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z_]+", name) for name in names)


def test_every_error_is_said_to_be_a_problem(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        assert operation["responses"]["4XX"] == operation["responses"]["5XX"] == PROBLEM
        assert "422" not in operation["responses"]
    assert "HTTPValidationError" not in str(document)
    [kind] = document["components"]["responses"]["Problem"]["content"]
    assert kind == "application/problem+json"


def test_a_problem_is_as_it_is_said_to_be(document: dict[str, Any], ada: Caller) -> None:
    said = document["components"]["schemas"]["Problem"]
    for problem in (ada.refused(422, "POST", "/medicines", {}), ada.refused(404, "GET", "/nothing")):
        assert set(said["required"]) <= set(problem) <= set(said["properties"])
    [each] = {frozenset(each) for each in ada.refused(422, "POST", "/medicines", {})["errors"]}
    assert each == set(document["components"]["schemas"]["Misfit"]["properties"])


def test_the_document_says_where_one_must_be_signed_in(document: dict[str, Any], anybody: Caller) -> None:
    open_to_all = {route for route, operation in operations(document) if "security" not in operation}

    assert open_to_all == {
        "POST /auth/register",
        "POST /auth/login",
        "POST /auth/refresh",
        "POST /auth/logout",
        "GET /health",
        "GET /health/ready",
        "GET /metrics",
    }
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for schema in schemas(document):
        if isinstance(reference := schema.get("$ref"), str):
            *_, kind, name = reference.split("/")
            assert name in document["components"][kind]


def test_what_is_sent_is_bounded(document: dict[str, Any]) -> None:
    """Every text, number and list in bodies, queries and addresses; headers are bounded by their own sentences."""
    given = [operation["requestBody"] for _, operation in operations(document) if "requestBody" in operation]
    for _, operation in operations(document):
        given += [each["schema"] for each in operation.get("parameters", ()) if each["in"] != "header"]
    for schema in schemas(with_parts(document, given)):
        match schema.get("type"):
            case "string" if not {"format", "enum", "const", "pattern"} & set(schema):
                assert "maxLength" in schema, schema
            case "integer" | "number":
                assert {"minimum", "maximum"} <= set(schema), schema
            case "array":
                assert "maxItems" in schema, schema


def with_parts(document: dict[str, Any], given: list[Any]) -> list[Any]:
    """With the schemas they refer to, and those that these refer to."""
    names: set[str] = set()
    while new := {each["$ref"].rpartition("/")[2] for each in schemas(given) if "$ref" in each} - names:
        names |= new
        given = given + [document["components"]["schemas"][name] for name in sorted(new)]
    return given


def test_the_document_can_be_read_by_people_too(app: FastAPI, anybody: Caller) -> None:
    assert app.openapi()["info"]["title"] == "Pillio"
    assert anybody.http.get("/docs").status_code == 200
