"""Small enough to read, named for what it does. What is aimed at is smaller; these are the refusals."""

from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, everything, planted

MODULE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 5  # without `session` and `now`, and without those given by name
NAMES_OF_HEAPS = {
    "base", "common", "core", "helper", "helpers", "manager", "managers", "misc", "service", "services", "stuff",
    "util", "utils",
}  # fmt: skip


def _too_much(module: Module) -> Iterator[str]:
    if (lines := module.source.count("\n")) > MODULE_LINES:
        yield f"{module.name} has {lines} lines"
    for function in module.functions():
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{module.at(function)} {function.name} has {lines} lines"
        given = [each.arg for each in function.args.posonlyargs + function.args.args]
        counted = [name for name in given if name not in ("self", "cls", "session", "now")]
        if len(counted) > PARAMETERS and not _is_route(module, function.decorator_list):
            yield f"{module.at(function)} {function.name} takes {len(counted)} parameters by position"


def _is_route(module: Module, decorators: list[object]) -> bool:
    """A route's parameters are its query: FastAPI gives them by name."""
    return module.name.startswith("api.") and bool(decorators)


def _badly_named(module: Module) -> Iterator[str]:
    if NAMES_OF_HEAPS & set(module.name.split(".")):
        yield f"{module.name}: name it for an activity"
    if not module.source.startswith('"""'):
        yield f"{module.name} does not say what it owns or promises"


def test_modules_and_functions_can_be_read_in_one_sitting() -> None:
    assert not [finding for module in everything() for finding in _too_much(module)]


def test_modules_are_named_for_an_activity_and_say_what_they_are() -> None:
    assert not [finding for module in everything() for finding in _badly_named(module)]


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n" * (MODULE_LINES + 1),
        "def f():\n" + "    x = 1\n" * FUNCTION_LINES,
        "async def f(session, a, b, c, d, e, f, *, now): ...",
    ],
    ids=["module", "function", "parameters"],
)
def test_a_planted_heap_is_seen(source: str) -> None:
    assert list(_too_much(planted(source)))


def test_what_is_just_within_the_limits_is_not() -> None:
    source = "def f(session, a, b, c, d, e, now, *, g, h, i):\n" + "    x = 1\n" * (FUNCTION_LINES - 1)

    assert not list(_too_much(planted(source + "x = 1\n" * (MODULE_LINES - FUNCTION_LINES))))


def test_a_planted_name_of_a_heap_is_seen() -> None:
    assert list(_badly_named(planted('"""Said."""', "engine.doses.utils")))
    assert list(_badly_named(planted("x = 1", "engine.doses.horizon")))
    assert not list(_badly_named(planted('"""Said."""', "engine.doses.horizon")))
