"""The programs of the one-machine stack, as data, and the supervisor's configuration made from them.

Groups stop one after another, the highest priority first, all programs of a group together; the longest waits add up
to eight seconds. What is cut off then loses nothing: tasks come again, transactions are undone. No secret is in a
command or in this file: programs inherit the environment.
"""

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops import postgres, tether, valkey
from ops.wishes import Wishes

_ROOT = Path("/")
_WORKERS_STOP = {"REMAP_SIGTERM": "SIGQUIT"}  # a worker's stop: running tasks end, nothing new is taken
_QUIET_ROOT = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}


@dataclass(frozen=True)
class Program:
    """`start_seconds`: a program that dies sooner is tried again with growing pauses, later at once. Without a
    `directory` it runs where the supervisor does, in the checkout. Where `is_chatty`, its standard output is not
    passed on, only its errors and its log."""

    name: str
    command: list[str]
    stop_signal: str = "TERM"
    stop_seconds: int = 2
    start_seconds: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    is_chatty: bool = False


@dataclass(frozen=True)
class Group:
    name: str
    priority: int
    programs: tuple[Program, ...]


def servers(cluster: postgres.Cluster | None, server: valkey.Server | None) -> Group:
    """The embedded servers, where there are any."""
    found = []
    if cluster:
        found.append(Program("postgres", cluster.command(), postgres.STOP_SIGNAL, start_seconds=1, directory=_ROOT))
    if server:
        found.append(Program("valkey", server.command(), valkey.STOP_SIGNAL, start_seconds=1, directory=_ROOT))
    return Group("servers", 10, tuple(found))


def of_ours(wishes: Wishes) -> list[Group]:
    """Every program that is Pillio's own, in the order in which they start."""
    return [loop(wishes), edge(wishes)]


def loop(wishes: Wishes) -> Group:
    """The workers and their clock. They are stopped together: one that outlived the clock would report it silent."""
    schedule = wishes.run_dir / "celerybeat-schedule"
    beat = Program("beat", _celery("beat", "-s", str(schedule), "--pidfile=", "-l", "warning"))
    return Group("loop", 20, (*workers(), beat))


def workers() -> tuple[Program, ...]:
    """What takes tasks from queues. What Celery says about Ctrl-C to a person at a worker's terminal is left out."""
    loops = _celery("worker", "-Q", "tick,drain,upkeep", "-c", "2", "-n", "engine@%h", *_ALONE)
    sends = _celery("worker", "-Q", "send", "-c", "2", "-n", "sender@%h", *_ALONE)
    environment = _WORKERS_STOP | _QUIET_ROOT
    return (
        Program("worker", loops, stop_seconds=4, environment=environment, is_chatty=True),
        Program("sender", sends, stop_seconds=4, environment=environment, is_chatty=True),
    )


def edge(wishes: Wishes) -> Group:
    ports = wishes.ports
    flower = _celery("flower", "--address=127.0.0.1", f"--port={ports['FLOWER_PORT']}", "--logging=error")
    return Group(
        "edge",
        30,
        (
            Program("api", _uvicorn("api.main:app", wishes.host, ports["PORT"], "--workers", "2")),
            Program("stream", _uvicorn("api.live:app", wishes.host, ports["STREAM_PORT"])),
            # Flower listens on the loopback only; without this its pages cannot read their own figures.
            Program("flower", flower, environment={"FLOWER_UNAUTHENTICATED_API": "true"}),
        ),
    )


_ALONE = ("--without-gossip", "--without-mingle", "-l", "warning")


def _celery(*arguments: str) -> list[str]:
    return tether.command("TERM", [sys.executable, "-m", "celery", "--quiet", "-A", "tasks", *arguments])


def _uvicorn(app: str, host: str, port: int, *more: str) -> list[str]:
    quiet = ["--no-access-log", "--log-level", "warning"]
    argv = [sys.executable, "-m", "uvicorn", app, "--host", host, "--port", str(port), *more]
    return tether.command("TERM", [*argv, "--timeout-graceful-shutdown", "1", *quiet])


def configuration(groups: list[Group], socket: Path) -> str:
    """Nothing starts by itself: the stack starts each in its turn, over the socket."""
    sections = [
        # Files of ours, never /dev/null: the supervisor deletes its pidfile when it ends, and root's would be gone.
        f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={_escape(str(socket.with_name('supervisord.log')))}\n"
        f"pidfile={_escape(str(socket.with_name('supervisord.pid')))}\nnocleanup=true\nminfds=256\nloglevel=critical\n",
        f"[unix_http_server]\nfile={_escape(str(socket))}\nchmod=0600\n",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    for group in groups:
        names = ",".join(program.name for program in group.programs)
        sections.append(f"[group:{group.name}]\nprograms={names}\npriority={group.priority}\n")
        sections += [_section(program) for program in group.programs]
    return "\n".join(sections)


def _section(program: Program) -> str:
    environment = ",".join(f'{name}="{value}"' for name, value in program.environment.items())
    options = {
        "command": _without_comments(shlex.join(program.command)),
        "environment": environment,
        **({"directory": str(program.directory)} if program.directory else {}),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(program.start_seconds),
        "startretries": "1000000",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": str(not program.is_chatty).lower(),
        "stdout_logfile": "NONE",
        "stdout_events_enabled": str(not program.is_chatty).lower(),
        "stderr_logfile": "NONE",
        "stderr_events_enabled": "true",
    }
    lines = "".join(f"{name}={_escape(value)}\n" for name, value in options.items())
    return f"[program:{program.name}]\n{lines}"


def _escape(value: str) -> str:
    return value.replace("%", "%%")


def _without_comments(command: str) -> str:
    """A space before `#` or `;` would begin a comment. It can only stand between quotes; they are closed and opened."""
    return re.sub(r"(\s)([#;])", r"\1''\2", command)
