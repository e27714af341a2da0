"""When the stack may be called ready: every program has stayed up, the API says so, and Flower has met the workers.

Everything is asked over the loopback, never through a proxy the operator may have set for the world outside.
"""

import json
import time
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener

from ops import programs
from ops.refusal import Refusal
from ops.steering import Steering
from ops.wishes import Wishes

_READY_SECONDS = 90.0
_MEETING_SECONDS = 10.0
_PACE_SECONDS = 0.25


def wait_ready(wishes: Wishes, steering: Steering) -> None:
    """Raises `Refusal` when it takes too long, and says which program it was."""
    url = f"http://{wishes.reach}:{wishes.ports['PORT']}/health/ready"
    deadline = time.monotonic() + _READY_SECONDS
    waiting = ["api"]
    while time.monotonic() < deadline:
        waiting = [name for name, state in steering.states().items() if state != "RUNNING"]
        if not waiting and _ask(url) is not None:
            _introduce_workers(wishes.ports["FLOWER_PORT"])
            return
        time.sleep(_PACE_SECONDS)
    what = f"{', '.join(waiting)} did not stay up" if waiting else f"{url} does not answer with 200"
    raise Refusal(f"Not ready after {_READY_SECONDS:.0f} s: {what}; the lines above say why.")


def _introduce_workers(port: int) -> None:
    """Flower asks once, when it starts, who the workers are; those that were still starting it would not know.
    Asking again is a courtesy: a Flower that keeps itself closed, or is slow, keeps nobody waiting for long."""
    url = f"http://127.0.0.1:{port}/api/workers?refresh=1"
    deadline = time.monotonic() + _MEETING_SECONDS
    while time.monotonic() < deadline and len(_ask(url) or ()) < len(programs.workers()):
        time.sleep(_PACE_SECONDS)


def _ask(url: str) -> Any:
    """The answer's JSON; None for any other answer, or none."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
            return json.load(answer)
    except (HTTPException, OSError, ValueError):
        return None
