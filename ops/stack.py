"""`pillio up`: from a checkout to a running Pillio in the foreground, and back to nothing on Ctrl-C or SIGTERM.

Everything that can be known to be wrong is said before anything starts. Then: servers, migrations, programs, and the
block of addresses once the API says it is ready. The stop is in the reverse order, within ten seconds.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ops import embedded, preflight, programs, strays
from ops.migrating import migrate
from ops.one_at_a_time import only_one
from ops.readiness import wait_ready
from ops.speaking import say
from ops.steering import Steering, supervised
from ops.wishes import Wishes, read_wishes

READY = "Pillio is ready"
_GLANCE_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The operator asked to stop. Not an error, and not for `except Exception` to swallow."""


def up(wishes: Wishes | None = None) -> None:
    """What the operator wishes, unless others' wishes are given."""
    wishes = wishes or read_wishes()
    with _stoppable():
        preflight.make_home(wishes.home)
        with only_one(wishes.home) as lock:
            strays.clear(wishes.home, seconds=0)
            preflight.check_ports(wishes)
            preflight.check_servers(wishes)
            _run(wishes, lock)


@contextmanager
def _stoppable() -> Iterator[None]:
    """The first signal ends what is going on; the way out is then walked to its end, whatever else is pressed.
    A hang-up the operator has declared harmless (`nohup`) stays harmless."""

    def stop(_: int, __: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        say("pillio", "stopping")
        raise Stopped

    is_harmless = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    heard = [each for each in _SIGNALS if each != signal.SIGHUP or not is_harmless]
    before = {each: signal.signal(each, stop) for each in heard}
    try:
        yield
        raise AssertionError("the stack ends by a signal or a refusal")
    except Stopped:
        say("pillio", "stopped")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _run(wishes: Wishes, lock: int) -> None:
    ours = embedded.plan(wishes)
    environment = ours.environment(wishes)
    preflight.check_settings(environment)
    if ours.cluster:
        say("pillio", f"preparing PostgreSQL in {ours.cluster.data_dir}")
    embedded.prepare(ours)
    servers = programs.servers(ours.cluster, ours.server)
    rest = programs.of_ours(wishes)
    groups = [*([servers] if servers.programs else []), *rest]
    with supervised(groups, wishes.run_dir, environment, lock) as steering:
        steering.start(servers)
        ours.wait_ready(steering.is_trying)
        say("pillio", "bringing the database up to date")
        migrate(environment)
        with embedded.published(wishes, environment):
            _run_programs(wishes, steering, rest)


def _run_programs(wishes: Wishes, steering: Steering, groups: list[programs.Group]) -> None:
    say("pillio", "starting the API, the workers and their clock")
    on_terminal = _leads_terminal()
    for group in groups:
        steering.start(group)
    wait_ready(wishes, steering)
    _show(wishes)
    while steering.wait(_GLANCE_SECONDS):
        if on_terminal and not os.isatty(0):
            os.kill(os.getpid(), signal.SIGHUP)


def _leads_terminal() -> bool:
    """Whether we run in the foreground of a terminal, and so end with it. Its hang-up is told to the session's leader
    only; where that is `make` (`ssh -t host make up`), it keeps the news to itself and waits for us."""
    return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()


def _show(wishes: Wishes) -> None:
    api = f"http://{wishes.reach}:{wishes.ports['PORT']}"
    rows = {
        "API": api,
        "API docs": f"{api}/docs",
        "Live stream": f"http://{wishes.reach}:{wishes.ports['STREAM_PORT']}",
        "Flower": f"http://127.0.0.1:{wishes.ports['FLOWER_PORT']}",
        "Data": str(wishes.home),
    }
    lines = ["", f"{READY}. Ctrl-C stops it.", *(f"  {name:<12} {where}" for name, where in rows.items()), ""]
    say("pillio", "\n".join(lines))
