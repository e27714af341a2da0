"""Time is an argument: one module reads the wall clock; everything else is handed `now`, last and by its name."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, Module, of, planted


def _out_of_place(module: Module) -> Iterator[str]:
    """`session` first; `now` last, but for a limit and what has a default, and by its name where others call it."""
    for function in module.functions():
        given = function.args.posonlyargs + function.args.args
        by_name = function.args.kwonlyargs
        names = [argument.arg for argument in given if argument.arg not in ("self", "cls")]
        if "session" in names[1:]:
            yield f"{module.at(function)} {function.name} takes the session late"
        required = names[: len(names) - len(function.args.defaults)] + [
            argument.arg for argument, default in zip(by_name, function.args.kw_defaults, strict=True) if not default
        ]
        if "now" in required[:-1] and required[-2:] != ["now", "limit"]:
            yield f"{module.at(function)} {function.name} takes something after now"
        is_public = not function.name.startswith("_")
        if "session" in names and "now" in names and is_public:
            yield f"{module.at(function)} {function.name} takes now without its name"


def test_the_session_comes_first_and_now_comes_last() -> None:
    assert not [finding for module in of("engine") for finding in _out_of_place(module)]


@pytest.mark.parametrize("signature", ["(who, session)", "(session, *, now, at)", "(session, now)", "(now, taken_at)"])
def test_a_planted_signature_out_of_order_is_seen(signature: str) -> None:
    assert list(_out_of_place(planted(f"def lapse{signature}: ...")))
    assert not list(_out_of_place(planted("def lapse(session, who, *, at, now, limit=500): ...")))


def test_ruff_refuses_the_wall_clock_everywhere_but_in_the_clock() -> None:
    reads = [
        "from datetime import UTC, date, datetime",
        "import time",
        "datetime.now(UTC)",
        "datetime.utcnow()",
        "date.today()",
        "time.time()",
    ]

    assert _banned("engine/doses/planted.py", reads) == [3, 4, 5, 6]
    assert _banned("api/planted.py", reads) == [3, 4, 5, 6]
    assert _banned("engine/clock.py", reads) == []


def _banned(file: str, lines: list[str]) -> list[int]:
    """The lines ruff refuses under our settings, were they in this file."""
    command = [Path(sys.executable).with_name("ruff"), "check", "--no-cache", "--select", "TID251"]
    command += ["--output-format", "concise", "--stdin-filename", ROOT / file, "-"]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(lines), capture_output=True, text=True, check=False)
    return sorted(int(line) for line in re.findall(r":(\d+):\d+: TID251", done.stdout))
