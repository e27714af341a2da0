"""The supervisor, in a process of its own: keeps the programs running, passes their lines on, stops them in order.

`python -m ops.overseer CONFIG`. It ends when told (INT, TERM, HUP) and when the stack that started it is gone.
What a program leaves in its process group is killed when the program ends, so that a restarted API finds its port
free and no pool of a dead worker lives on.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from supervisor import events
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from ops.speaking import Lines, say

_POLL_SECONDS = 0.2  # supervisor's own second is too long between a signal and its effect
_LONGEST_PAUSE = 2


class Overseer(Supervisor):  # type: ignore[misc]  # supervisor has no types
    """supervisord with its events heard in-process."""

    def runforever(self) -> None:
        self._lines: dict[str, Lines] = {}
        self._parent = os.getppid()
        poll = self.options.poller.poll
        self.options.poller.poll = lambda _: poll(_POLL_SECONDS)
        signal.signal(signal.SIGHUP, self._end)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # our group is not the terminal's; we write to it all the same
        events.subscribe(events.ProcessLogEvent, self._on_output)
        events.subscribe(events.ProcessStateEvent, self._on_state)
        events.subscribe(events.Tick5Event, self._on_tick)
        super().runforever()

    def _end(self, *_: object) -> None:
        self.options.mood = SupervisorStates.SHUTDOWN

    def _on_tick(self, _: object) -> None:
        if os.getppid() != self._parent:
            self._end()

    def _on_output(self, event: Any) -> None:
        name = event.process.config.name
        self._lines.setdefault(name, Lines(name)).feed(_as_bytes(event.data))

    def _on_state(self, event: Any) -> None:
        process = event.process
        if isinstance(event, events.ProcessStateExitedEvent | events.ProcessStateStoppedEvent | _BACKOFF):
            self._bury(process)
        if isinstance(event, events.ProcessStateExitedEvent | _BACKOFF):
            _pause(process)
            say("pillio", f"{process.config.name} ended by itself; it is started again")

    def _bury(self, process: Any) -> None:
        self._lines.pop(process.config.name, Lines("")).end()
        if process.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


_BACKOFF = events.ProcessStateBackoffEvent


def _pause(process: Any) -> None:
    """Growing pauses, but never long: the reason is often a server that is about to be back."""
    process.backoff = min(process.backoff, _LONGEST_PAUSE)


def _as_bytes(data: Any) -> bytes:
    return data if isinstance(data, bytes) else str(data).encode()


def main(config: str) -> None:
    options = ServerOptions()
    options.realize(["-c", config])
    options.first, options.test = True, False
    with suppress(asyncore.ExitNow):
        Overseer(options).main()
    options.close_httpservers()
    options.close_logger()


if __name__ == "__main__":
    main(sys.argv[1])
