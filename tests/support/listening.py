"""Listen to a live stream in a thread, as a browser would, and wait for what comes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx

from tests.support.callers import Caller

PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Heard:
    event: str
    id: str | None
    data: dict[str, Any]


@dataclass
class Listening:
    """What has been heard so far. `has_ended` when the server closed the stream."""

    heard: list[Heard] = field(default_factory=list)
    status: int | None = None
    has_ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, heard: Heard) -> None:
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.has_ended = True
            self._changed.notify_all()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each.data for each in self.heard if each.event == event]

    @property
    def cursor(self) -> str | None:
        return next((each.id for each in reversed(self.heard) if each.id), None)

    def wait_for(self, what: Callable[["Listening"], Any], seconds: float = PATIENCE_SECONDS) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: what(self), seconds), f"heard only {self.heard}"


@contextmanager
def listening(
    caller: Caller, *, url: str = "/api/v1/notifications/stream", last_event_id: str | None = None
) -> Iterator[Listening]:
    """Connected, and greeted, on entering."""
    heard = Listening()
    headers = {"Authorization": f"Bearer {caller.tokens['access_token']}"} if caller.tokens else {}
    headers |= {"Last-Event-ID": last_event_id} if last_event_id else {}
    with (
        httpx.Client(base_url=caller.http.base_url, timeout=60) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        heard.status = answer.status_code
        threading.Thread(target=_read, args=(answer, heard), daemon=True).start()
        if answer.status_code == 200:
            heard.wait_for(lambda each: each.of("hello"))
        yield heard


def _read(answer: httpx.Response, heard: Listening) -> None:
    fields: dict[str, str] = {}
    try:
        for line in answer.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "event" in fields:
                heard.note(Heard(fields["event"], fields.get("id"), json.loads(fields["data"])))
                fields = {}
            else:
                fields = {}
    except (httpx.HTTPError, httpx.StreamError, RuntimeError):
        pass
    heard.end()
