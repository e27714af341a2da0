"""The supervisor over small real programs: restarted when killed, stopped in order, none left over."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops import processes, strays
from ops.one_at_a_time import only_one
from ops.ports import free_port
from ops.programs import Group, Program, configuration, of_ours, servers
from ops.readiness import wait_ready
from ops.refusal import Refusal
from ops.steering import STOP_SECONDS, STRAY_SECONDS, Steering, supervised
from ops.wishes import read_wishes

NAMES = ("server", "worker", "edge")

# Starts a child in its own group, writes both numbers, and notes the moment it is told to stop.
_PROGRAM = """
import os, pathlib, signal, subprocess, sys
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
child = subprocess.Popen(["sleep", "300"])
def stop(*_):
    with (folder / "stops").open("a") as file: file.write(name + "\\n")
    child.kill(); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
(folder / (name + ".new")).write_text(f"{os.getpid()} {child.pid}")
(folder / (name + ".new")).replace(folder / (name + ".pids"))
print("a line of " + name, flush=True)
while True: signal.pause()
"""


def _group(name: str, priority: int, folder: Path) -> Group:
    script = folder / "program.py"
    script.write_text(_PROGRAM)
    command = [sys.executable, "-I", "-S", str(script), name, str(folder)]
    return Group(f"{name}s", priority, (Program(name, command, start_seconds=1),))


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def _pids(folder: Path, name: str) -> list[int]:
    path = folder / f"{name}.pids"
    return [int(each) for each in path.read_text().split()] if path.exists() else []


def _all_pids(folder: Path) -> list[int]:
    """Of the three programs and their children, once all have written them; empty before."""
    pids = [pid for name in NAMES for pid in _pids(folder, name)]
    return pids if len(pids) == 2 * len(NAMES) else []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Nothing in a folder's name is special to us."""
    home = tmp_path / "Ada's 100 % ; #1 home"
    (home / "run").mkdir(parents=True)
    return home


@pytest.fixture
def groups(home: Path) -> list[Group]:
    return [_group(name, priority, home) for name, priority in zip(NAMES, (10, 20, 30), strict=True)]


@pytest.fixture
def steering(groups: list[Group], home: Path) -> Iterator[Steering]:
    environment = os.environ | {"PILLIO_HOME": str(home)}
    with (
        only_one(home) as lock,
        supervised(groups, home / "run", environment, lock) as steering,
    ):
        for group in groups:
            steering.start(group)
        _until(lambda: set(steering.states().values()) == {"RUNNING"} and _all_pids(home))
        yield steering


def test_programs_stop_in_order_and_leave_nothing(groups: list[Group], home: Path) -> None:
    environment = os.environ | {"PILLIO_HOME": str(home)}
    with only_one(home) as lock, supervised(groups, home / "run", environment, lock) as steering:
        for group in groups:
            steering.start(group)
        _until(lambda: _all_pids(home))
        pids = _all_pids(home)
    assert (home / "stops").read_text().split() == ["edge", "worker", "server"]
    assert [pid for pid in pids if processes.is_alive(pid)] == []


def test_a_killed_program_is_back_at_once_and_its_children_are_gone(steering: Steering, home: Path) -> None:
    killed, child = _pids(home, "worker")
    os.kill(killed, signal.SIGKILL)
    _until(lambda: _pids(home, "worker")[:1] not in ([], [killed]))
    assert processes.wait_gone(child, 30)
    _until(lambda: steering.states()["worker"] == "RUNNING")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell whose a stray is")
def test_what_outlives_a_killed_supervisor_is_cleared_away(steering: Steering, home: Path) -> None:
    pids = _all_pids(home)
    os.kill(steering.pid, signal.SIGKILL)
    with pytest.raises(Refusal, match="The supervisor ended unexpectedly"):
        steering.wait(60)
    with pytest.raises(Refusal, match="The supervisor ended unexpectedly"):
        steering.states()
    assert all(processes.is_alive(pid) for pid in pids)
    strays.clear(home, seconds=0)
    assert not any(processes.is_alive(pid) for pid in pids)


def test_a_program_that_cannot_start_is_not_waited_for(home: Path) -> None:
    broken = Group("servers", 10, (Program("server", [sys.executable, "-c", "raise SystemExit(1)"]),))
    environment = os.environ | {"PILLIO_HOME": str(home)}
    with only_one(home) as lock, supervised([broken], home / "run", environment, lock) as steering:
        assert steering.is_trying("server")
        steering.start(broken)
        _until(lambda: not steering.is_trying("server"))
        assert steering.is_running()


# The API and Flower in one: whatever it is asked, it answers with two things.
_API = """
import http.server, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"engine": 1, "sender": 2}')
servers = [http.server.HTTPServer(("127.0.0.1", int(port)), Answer) for port in sys.argv[1:]]
for server in servers: threading.Thread(target=server.serve_forever).start()
"""


def test_ready_is_asked_directly_whatever_proxy_is_set(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    first = free_port()
    ports = {"PORT": str(first), "FLOWER_PORT": str(free_port({first}))}
    (home / "api.py").write_text(_API)
    command = [sys.executable, "-I", "-S", str(home / "api.py"), *ports.values()]
    group = Group("edge", 30, (Program("api", command, start_seconds=1),))
    environment = os.environ | {"PILLIO_HOME": str(home)}
    with only_one(home) as lock, supervised([group], home / "run", environment, lock) as steering:
        steering.start(group)
        wait_ready(read_wishes(ports, home / ".env"), steering)
        assert steering.states() == {"api": "RUNNING"}


def test_the_longest_stop_is_under_ten_seconds_and_no_secret_is_written_down(tmp_path: Path) -> None:
    wishes = read_wishes({"PILLIO_HOME": str(tmp_path), "SECRET_KEY": "hidden"}, tmp_path / ".env")
    groups = [servers(None, None), *of_ours(wishes)]
    assert sum(max((each.stop_seconds for each in group.programs), default=2) for group in groups) < STOP_SECONDS
    assert STOP_SECONDS + STRAY_SECONDS < 10
    assert "hidden" not in configuration(groups, tmp_path / "socket")
    assert "engine@%%h" in configuration(groups, tmp_path / "socket")
    assert "=/dev/" not in configuration(groups, tmp_path / "socket")  # the supervisor deletes its own files
