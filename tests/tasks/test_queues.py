"""Every task has a queue, every queue a consumer, and what beat sends exists."""

import inspect
from datetime import datetime

import pytest

from engine.settings import Settings
from ops import programs


@pytest.fixture
def conf(environment: Settings) -> object:
    from tasks import app

    app.loader.import_default_modules()
    return app.conf


def ours() -> dict[str, object]:
    from tasks import app

    return {name: task for name, task in app.tasks.items() if name.startswith("pillio.")}


def consumed() -> list[str]:
    """The queues of all workers of the one-machine stack."""
    commands = [program.command for program in programs.workers()]
    return [queue for command in commands for queue in command[command.index("-Q") + 1].split(",")]


def routed(conf: object) -> set[str]:
    return {each["queue"] for each in conf.task_routes.values()} | {conf.task_default_queue}


def test_every_queue_has_a_consumer_and_no_consumer_waits_for_nothing(conf: object) -> None:
    assert routed(conf) == set(consumed())
    assert len(consumed()) == len(set(consumed()))


def test_a_slow_relay_holds_up_no_tick_and_no_drain(conf: object) -> None:
    """They are different processes: none that sends does anything else."""
    for program in programs.workers():
        queues = set(program.command[program.command.index("-Q") + 1].split(","))
        assert queues == {"send"} or "send" not in queues


def test_every_route_leads_to_a_task_that_exists(conf: object) -> None:
    assert set(conf.task_routes) <= set(ours())


def test_beat_sends_tasks_that_exist_to_where_they_are_consumed(conf: object) -> None:
    for entry in conf.beat_schedule.values():
        assert entry["task"] in ours()
        assert entry["options"]["expires"] > 0
        assert entry["options"].get("queue", "tick") in consumed()


def test_every_sweep_is_sent_by_beat(conf: object) -> None:
    sent = {entry["task"] for entry in conf.beat_schedule.values()}
    woken = {"pillio.drain", "pillio.send"}  # by ticks, and by what waits
    assert sent | woken == set(ours())
    assert not sent & woken


def test_a_tick_carries_the_instant_at_which_it_was_sent(conf: object) -> None:
    [lazy] = conf.beat_schedule["tick"]["args"]
    first, second = (datetime.fromisoformat(lazy()) for _ in range(2))
    assert first.utcoffset() is not None
    assert first < second


def test_tasks_carry_ids_and_instants_only(conf: object) -> None:
    carried = {name: tuple(inspect.signature(task.run).parameters) for name, task in ours().items()}
    assert {name: names for name, names in carried.items() if names} == {
        "pillio.tick": ("at",),
        "pillio.drain": ("group", "until"),
    }
    assert all(task.ignore_result for task in ours().values())


def test_a_killed_workers_message_comes_again_before_anybody_waits_long(conf: object) -> None:
    assert conf.task_acks_late
    assert conf.task_time_limit <= conf.broker_transport_options["visibility_timeout"]
