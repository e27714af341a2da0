"""A task carries ids and an instant: what it needs to know is in the database."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.house import Module, everything, planted

INSTANTS = {"at", "until"}


def _carried(module: Module) -> Iterator[str]:
    """Arguments of Celery tasks that are neither an id nor an instant."""
    for function in module.functions():
        if not any("shared_task" in ast.unparse(decorator) for decorator in function.decorator_list):
            continue
        for argument in function.args.posonlyargs + function.args.args + function.args.kwonlyargs:
            kind = ast.unparse(argument.annotation) if argument.annotation else ""
            is_id = kind == "int" and (argument.arg == "shard" or argument.arg.endswith("_id"))
            is_id = is_id or (kind, argument.arg) == ("list[int]", "group")  # of shards
            if not is_id and not (kind == "str" and argument.arg in INSTANTS):
                yield f"{module.at(function)} {function.name} carries {argument.arg}: {kind}"


def test_tasks_carry_ids_and_instants() -> None:
    tasks = [module for module in everything() if module.name.startswith("tasks")]

    assert sum("@shared_task" in module.source for module in tasks) >= 3
    assert not [finding for module in tasks for finding in _carried(module)]


@pytest.mark.parametrize("argument", ["name: str", "person: dict", "shard", "ids: list[int]", "amount: int"])
def test_a_planted_task_that_carries_more_is_seen(argument: str) -> None:
    assert list(_carried(planted(f"@shared_task\ndef send({argument}): ...", "tasks.planted")))
    fine = '@shared_task(name="pillio.drain")\ndef drain(group: list[int], until: str): ...'
    assert not list(_carried(planted(fine, "tasks.planted")))
