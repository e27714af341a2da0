"""A client of the live stream: one connection, read in a thread of its own, every event kept as it comes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from ops.demo.heard import Heard

_SILENCE_SECONDS = 60.0  # the stream speaks at least every fifteen


@dataclass(frozen=True)
class Event:
    """`name` is `hello`, `notification`, `dose` or `stock`; `gone`, once, when the stream has ended."""

    name: str
    data: dict[str, Any]


@contextmanager
def listening(url: str, token: str) -> Iterator[Heard[Event]]:
    """Open while the caller is inside. Wait for `hello` before doing what should be heard."""
    events: Heard[Event] = Heard()
    with httpx2.Client(trust_env=False, timeout=httpx2.Timeout(10, read=_SILENCE_SECONDS)) as client:
        threading.Thread(target=_read, args=(client, url, token, events), daemon=True).start()
        yield events


def _read(client: httpx2.Client, url: str, token: str, events: Heard[Event]) -> None:
    try:
        with client.sse(url, headers={"Authorization": f"Bearer {token}"}) as source:
            source.response.raise_for_status()
            for each in source:
                events.add(Event(each.event, json.loads(each.data or "{}")))
    except Exception as error:  # noqa: BLE001  this is a thread: whatever it was, who waits is told that it is over
        events.add(Event("gone", {"reason": str(error)}))
    else:
        events.add(Event("gone", {"reason": "it was closed"}))
