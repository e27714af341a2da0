"""A real Valkey: its password in a private file, its data back after kill -9, a stranger refused."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import pytest
import redis

from ops import processes, valkey
from ops.ports import LOOPBACK, free_port
from ops.refusal import Refusal


@pytest.fixture
def server(tmp_path: Path) -> valkey.Server:
    server = valkey.Server(tmp_path / 'a "home" \\ of #1' / "valkey", free_port(), "right")
    valkey.prepare(server)
    return server


@pytest.fixture
def running(server: valkey.Server) -> Iterator[Popen[bytes]]:
    process = valkey.start(server)
    yield process
    processes.stop_child(process, valkey.STOP_SIGNAL, 30)


def test_the_password_is_in_a_private_file_and_nowhere_else(server: valkey.Server, running: Popen[bytes]) -> None:
    assert stat.S_IMODE(server.config.stat().st_mode) == 0o600
    assert "right" not in processes.command_line(running.pid)
    assert "right" not in repr(server)
    nobody = redis.Redis(LOOPBACK, server.port, retry=valkey.ONCE)
    with pytest.raises(redis.AuthenticationError), nobody as client:
        client.ping()


def test_nothing_is_evicted_and_what_is_queued_is_kept(server: valkey.Server, running: Popen[bytes]) -> None:
    with redis.Redis.from_url(server.url(), socket_timeout=60) as client:
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        client.set("kept", "1")
        assert client.waitaof(1, 0, 30_000) == [1, 0]  # on disk, as it is within a second without asking
    running.kill()
    running.wait()
    again = valkey.start(server)
    try:
        with redis.Redis.from_url(server.url()) as client:
            assert client.get("kept") == b"1"
    finally:
        processes.stop_child(again, valkey.STOP_SIGNAL, 30)


def test_a_stranger_on_the_port_is_refused(server: valkey.Server, running: Popen[bytes], tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="Another Valkey answers"):
        valkey.wait_ready(replace(server, data_dir=tmp_path / "ours"), lambda: True, 5)
    with pytest.raises(Refusal, match="Another Redis or Valkey answers"):
        valkey.wait_ready(replace(server, password="wrong"), lambda: True, 5)
