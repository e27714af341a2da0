"""Mistakes an operator makes: each is one sentence before anything starts, naming what to change, showing no secret."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import preflight
from ops.one_at_a_time import is_running, only_one
from ops.ports import free_port
from ops.refusal import Refusal
from ops.wishes import REPO, Wishes, program_environment, read_wishes

NO_FILE = Path("/nonexistent/.env")


def _wishes(**environment: str) -> Wishes:
    return read_wishes(environment, NO_FILE)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("name", ["PORT", "STREAM_PORT", "FLOWER_PORT"])
def test_a_port_in_use_is_named_with_its_variable(name: str, taken_port: int) -> None:
    others = {each: str(free_port({taken_port})) for each in ("PORT", "STREAM_PORT", "FLOWER_PORT")}
    with pytest.raises(Refusal, match=rf"Port {taken_port} .* in use .* set {name} "):
        preflight.check_ports(_wishes(**(others | {name: str(taken_port)})))


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "8000.0", "٣", "1e3"])
def test_a_port_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="STREAM_PORT must be a number from 1 to 65535"):
        _wishes(STREAM_PORT=text)


def test_two_programs_cannot_have_one_port() -> None:
    with pytest.raises(Refusal, match="PORT and STREAM_PORT are both 21100"):
        preflight.check_ports(_wishes(PORT="21100", STREAM_PORT="21100"))


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(Refusal, match=r"HOST is 192\.0\.2\.1"):
        preflight.check_ports(_wishes(HOST="192.0.2.1"))


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file" / "home", Path("/proc/pillio")):
        with pytest.raises(Refusal, match="cannot be written by this user"):
            preflight.make_home(home)


@pytest.mark.parametrize("text", ["/srv/two\nlines", "~no-such-user/pillio", "/srv/bell\a"])
def test_a_home_that_is_no_folders_name_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"^PILLIO_HOME [^\n]*\.$"):
        _wishes(PILLIO_HOME=text)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write in the homes of others")
def test_root_leaves_nothing_in_a_home_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    os.chown(tmp_path / "run", 12_345, 12_345)
    with pytest.raises(Refusal, match="belongs to another user"):
        preflight.make_home(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["run"]


def test_servers_of_the_operator_must_answer_and_their_passwords_stay_unsaid(taken_port: int) -> None:
    nowhere = _wishes(DATABASE_URL="postgresql+asyncpg://me:hidden@127.0.0.1:1/pillio")
    with pytest.raises(Refusal, match=r"PostgreSQL at 127\.0\.0\.1:1 cannot be used: Connection refused\.$") as refusal:
        preflight.check_servers(nowhere)
    assert "hidden" not in str(refusal.value)
    with pytest.raises(Refusal, match=r"Redis at 127\.0\.0\.1:1 cannot be used: .*refused\.$") as refusal:
        preflight.check_servers(_wishes(REDIS_URL="redis://:hidden@127.0.0.1:1/0"))
    assert "hidden" not in str(refusal.value)


@pytest.mark.parametrize(("name", "url"), [("DATABASE_URL", "mysql://host/pillio"), ("REDIS_URL", "host:6379")])
def test_a_url_of_another_kind_is_refused(name: str, url: str) -> None:
    with pytest.raises(Refusal, match=f"{name} must be a"):
        preflight.check_servers(_wishes(**{name: url}))


def test_a_misspelt_setting_is_refused_with_the_right_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"DATABASE_URL": "postgresql://h/p", "REDIS_URL": "redis://h", "SECRET_KEY": "k" * 64}
    for name, value in (environment | {"SMTP_PASWORD": "hidden"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Refusal, match=r"did you mean SMTP_PASSWORD\?$"):
        preflight.check_settings({})


def test_the_environment_wins_over_the_file_and_both_reach_the_programs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=21200\nHOST=0.0.0.0\nSMTP_HOST=mail\nSECRET_KEY=\n")
    wishes = read_wishes({"PORT": "21300", "PILLIO_HOME": str(tmp_path)}, tmp_path / ".env")
    environment = program_environment(wishes, "postgresql://x", "redis://y", "made")
    assert (environment["PORT"], environment["SMTP_HOST"], wishes.reach) == ("21300", "mail", "127.0.0.1")
    assert (environment["SECRET_KEY"], environment["PILLIO_HOME"]) == ("made", str(tmp_path))


def test_one_stack_per_home(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with only_one(tmp_path):
        assert is_running(tmp_path)
        with pytest.raises(Refusal, match="already runs on"), only_one(tmp_path):
            pass
    assert not is_running(tmp_path)


@pytest.mark.parametrize(("variable", "value"), [("PORT", "eighty"), ("PILLIO_HOME", "/proc/pillio")])
def test_the_command_says_one_sentence_and_fails(variable: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "up"],
        cwd=REPO,
        env={variable: value, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert variable in done.stderr
