"""7. Who did the work, and how it feels: Flower's workers and tasks, Pillio's health and figures."""

from collections import Counter
from typing import Any

from ops.demo.caller import Caller
from ops.demo.stage import Stage
from ops.demo.story import expect
from ops.demo.telling import Narrator


def look(stage: Stage, caller: Caller, narrator: Narrator) -> None:
    workers: dict[str, Any] = caller.ask("GET", f"{stage.flower}/api/workers").json()
    expect(bool(workers), "Flower shows no worker.")
    narrator.tell("🌼", f"Flower shows the workers: {', '.join(sorted(each.partition('@')[0] for each in workers))}")
    tasks: dict[str, Any] = caller.ask("GET", f"{stage.flower}/api/tasks", params={"limit": 10_000}).json()
    done = Counter(each["name"] for each in tasks.values() if each["state"] == "SUCCESS")
    for name in ("pillio.tick", "pillio.drain", "pillio.send"):
        expect(done[name] > 0, f"Flower shows no {name} that succeeded.")
    names = ", ".join(f"{name} ×{count}" for name, count in done.most_common())
    narrator.aside(f"and the tasks that did it: {names}")
    _feel(stage, caller, narrator)


def _feel(stage: Stage, caller: Caller, narrator: Narrator) -> None:
    caller.ask("GET", f"{stage.api}/health")
    ready: dict[str, Any] = caller.ask("GET", f"{stage.api}/health/ready").json()
    checks = ", ".join(f"{name} {state}" for name, state in ready["checks"].items())
    narrator.tell("💓", f"healthy and ready: {checks}")
    figures = caller.ask("GET", f"{stage.api}/metrics").text.splitlines()
    count = sum(1 for line in figures if line and not line.startswith("#"))
    expect(count > 0, "There are no figures under /metrics.")
    narrator.aside(f"{count} figures for Prometheus under /metrics")
