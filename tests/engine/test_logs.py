"""Log lines: one JSON object each, an event name and ids. In a process of its own: logging is set up once for each."""

import json
import subprocess
import sys
from typing import Any

import pytest

LOGS = "from engine import logs; import structlog; log = structlog.get_logger(); "


def said(program: str) -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", LOGS + program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_one_json_object_with_its_event_level_and_instant() -> None:
    [line] = said("logs.configure(); log.info('doses.swept', shard=7, told=2)")
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "doses.swept", "level": "info", "shard": 7, "told": 2}


@pytest.mark.parametrize(("level", "events"), [("info", ["a.b", "c.d"]), ("warning", ["c.d"])])
def test_what_is_below_the_level_is_not_said(level: str, events: list[str]) -> None:
    lines = said(f"logs.configure({level!r}); log.info('a.b'); log.warning('c.d')")
    assert [line["event"] for line in lines] == events


def test_what_was_bound_to_the_work_at_hand_is_on_its_lines() -> None:
    lines = said(
        "logs.configure(); structlog.contextvars.bind_contextvars(request_id=5); log.info('a.b');"
        "structlog.contextvars.clear_contextvars(); log.info('c.d')"
    )
    assert [line.get("request_id") for line in lines] == [5, None]
