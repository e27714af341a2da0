"""docker-compose.yml: the programs of the one-machine stack, each in a container.

No Docker engine runs here. So the file is compared with what it must agree with, and every command in it is run as it
stands, without its container.
"""

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import httpx2 as httpx
import pytest
import redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from engine.settings import Settings, load
from ops import binaries, healthcheck, postgres, programs
from ops.ports import free_port
from ops.wishes import read_wishes
from tests.architecture.house import ROOT
from tests.support import compose
from tests.support.callers import Caller
from tests.support.listening import Listening, listening
from tests.support.partitions import drop_all

PATIENCE_SECONDS = 90.0
DOCKER = shutil.which("docker") or ""
EVERYWHERE = "0.0.0.0"  # noqa: S104  nothing listens on it here
SERVERS = {"postgres", "valkey"}
ONE_SHOT = {"migrate"}
NOT_IN_CONTAINERS = {"FLOWER_PORT", "PILLIO_HOME", "UPLOAD_DIR"}  # Flower's is fixed inside; files are to come
SERVICES = compose.services()
OURS = sorted(set(SERVICES) - SERVERS)


def stacks() -> dict[str, list[str]]:
    """The programs of the one-machine stack and their commands."""
    groups = programs.of_ours(read_wishes({}, Path("/nonexistent")))
    return {program.name: program.command for group in groups for program in group.programs}


def queues(command: list[str]) -> list[str]:
    return command[command.index("-Q") + 1].split(",") if "-Q" in command else []


# --- the same programs ----------------------------------------------------------------------------------------------


def test_every_program_of_the_stack_has_a_service() -> None:
    assert set(stacks()) | SERVERS | ONE_SHOT <= set(SERVICES)


@pytest.mark.parametrize("name", sorted(stacks()))
def test_a_service_runs_what_the_program_of_its_name_runs(name: str) -> None:
    """Apart from addresses, ports, files and queues: the same application, and the same way to be quiet and alone."""
    own = {word for word in stacks()[name] if re.fullmatch(r"[a-z.]+:app|--without-\w+|tasks|worker|beat|flower", word)}
    assert own
    assert own <= set(compose.command(SERVICES[name]))


def test_every_queue_is_taken_from_by_one_service_and_none_waits_for_nothing() -> None:
    taken = [queue for service in SERVICES.values() for queue in queues(compose.command(service))]
    assert sorted(taken) == sorted(queue for command in stacks().values() for queue in queues(command))


def test_a_slow_relay_holds_up_no_tick_and_no_drain() -> None:
    for service in SERVICES.values():
        found = set(queues(compose.command(service)))
        assert found == {"send"} or "send" not in found


def test_there_is_more_than_one_beat() -> None:
    assert SERVICES["beat"]["deploy"]["replicas"] == 2


# --- starting and stopping ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(OURS) - ONE_SHOT))
def test_everything_of_ours_waits_for_the_database_to_be_up_to_date(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_the_database_is_brought_up_to_date_once_the_servers_answer() -> None:
    assert SERVICES["migrate"]["depends_on"] == {name: {"condition": "service_healthy"} for name in SERVERS}
    assert SERVICES["migrate"]["restart"] == "no"


def test_a_worker_ends_its_tasks_before_it_is_cut_off(environment: Settings) -> None:
    from tasks import app

    workers = [service for service in SERVICES.values() if queues(compose.command(service))]
    assert len(workers) == 3
    for service in workers:
        assert service["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
        assert compose.seconds(service["stop_grace_period"]) >= 2 * app.conf.worker_soft_shutdown_timeout


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_service_is_looked_after(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name not in SERVERS:
        assert check["test"] == ["CMD", "pillio", "healthcheck", name]
    assert check["retries"] >= 3
    assert compose.seconds(check["timeout"]) <= compose.seconds(check["interval"])
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_every_check_there_is_looks_after_a_service() -> None:
    assert set(healthcheck.CHECKS) == set(OURS) - ONE_SHOT


def test_the_server_that_makes_the_database_is_not_taken_for_the_one_that_serves_it() -> None:
    """While it makes its data folder, PostgreSQL listens on its Unix socket alone."""
    assert "--host=127.0.0.1" in SERVICES["postgres"]["healthcheck"]["test"]


# --- PostgreSQL and Valkey ------------------------------------------------------------------------------------------


def test_the_data_of_postgresql_18_is_kept() -> None:
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert binaries.postgres_version().split(".")[0] == "18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert {"postgres", "valkey"} == set(compose.read()["volumes"])


def test_postgresql_is_set_as_in_the_stack_but_for_its_addresses_and_more_connections() -> None:
    given = dict(word.removeprefix("--").split("=", 1) for word in compose.command(SERVICES["postgres"])[1:])
    assert int(given.pop("max_connections")) > int(postgres._SETTINGS["max_connections"])
    elsewhere = {"listen_addresses", "unix_socket_directories", "max_connections"}
    assert given.pop("wal_compression") == "lz4"
    assert given == {name: value for name, value in postgres._SETTINGS.items() if name not in elsewhere}
    assert SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split() == list(postgres._INITDB)


def test_valkey_wants_its_password_and_keeps_what_is_queued(tmp_path: Path) -> None:
    """Its command as it stands, on a port and in a folder of ours."""
    port = free_port()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "valkey-server").symlink_to(binaries.valkey_server())
    shell, option, script = compose.command(SERVICES["valkey"])
    argv = [shell, option, script.replace("dir /data", f"dir {tmp_path}\nbind 127.0.0.1\nport {port}")]
    environment = SERVICES["valkey"]["environment"] | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    password = environment["VALKEY_PASSWORD"]
    with (
        compose.running(argv, environment, tmp_path, "valkey") as process,
        redis.Redis(port=port, password=password, retry=None) as client,
        redis.Redis(port=port, retry=None) as stranger,
    ):
        until(lambda: _answers(client), "Valkey did not answer")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}
        assert client.info("server")["process_id"] == process.pid  # so that it is told to stop, and not a shell
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


# --- what may be set ------------------------------------------------------------------------------------------------


def test_without_a_secret_nothing_starts_and_it_is_named() -> None:
    assert {name for name, default in compose.variables().items() if default is None} == set(compose.SECRETS)
    for name in compose.SECRETS:
        with pytest.raises(compose.NotSet, match=rf"^{name} is not set, see docs/deployment\.md$"):
            compose.services({key: value for key, value in compose.SECRETS.items() if key != name})
        with pytest.raises(compose.NotSet, match=name):
            compose.services(compose.SECRETS | {name: ""})


def test_every_setting_can_be_set() -> None:
    settable = {name.upper() for name in Settings.model_fields} - NOT_IN_CONTAINERS
    for name in ("api", "stream", "worker", "upkeep", "sender"):
        assert set(SERVICES[name]["environment"]) - {"REMAP_SIGTERM"} == settable


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_is_given_are_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in Settings.model_fields:
        monkeypatch.delenv(known.upper(), raising=False)
    for key, value in SERVICES[name]["environment"].items():
        if value is not None:
            monkeypatch.setenv(key, value)
    monkeypatch.setattr("engine.settings.ENV_FILE", Path("/nonexistent"))
    load.__wrapped__()


def test_one_file_of_variables_serves_compose_and_make_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of Compose's alone are not taken for misspelt ones of ours."""
    for known in Settings.model_fields:
        monkeypatch.delenv(known.upper(), raising=False)
    names = {**compose.SECRETS, "IMAGE": "pillio:2", "DATABASE_URL": "postgresql://h/p", "REDIS_URL": "redis://h"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in names.items()))
    monkeypatch.setattr("engine.settings.ENV_FILE", tmp_path / ".env")
    assert load.__wrapped__().secret_key.get_secret_value() == compose.SECRETS["SECRET_KEY"]


def test_the_deployment_page_lists_every_variable_that_is_not_a_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", text, re.MULTILINE))
    own = {name: default for name, default in compose.variables().items() if default != ""}
    assert listed == {name: "required" if default is None else f"`{default}`" for name, default in own.items()}


# --- what is kept in and what is kept out ---------------------------------------------------------------------------


def test_only_the_api_and_the_stream_are_published_and_on_the_loopback_until_said_otherwise() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "api": ["127.0.0.1:8000:8000"],
        "stream": ["127.0.0.1:8001:8001"],
        "flower": ["127.0.0.1:5555:5555"],
    }
    everywhere = compose.services(compose.SECRETS | {"HOST": EVERYWHERE, "PORT": "80", "FLOWER_PORT": "81"})
    assert everywhere["api"]["ports"] == [f"{EVERYWHERE}:80:80"]
    assert everywhere["flower"]["ports"] == ["127.0.0.1:81:5555"]


def test_the_servers_are_reached_from_inside_alone() -> None:
    assert compose.read()["networks"]["inside"] == {"internal": True}
    for name in SERVERS | {"migrate", "beat"}:
        assert SERVICES[name]["networks"] == ["inside"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_writes_nowhere_gains_nothing_and_fills_no_disk(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    if name != "postgres":  # it begins as root, to own its folder, and turns into postgres
        assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service


def test_no_secret_is_in_a_command() -> None:
    for service in SERVICES.values():
        words = " ".join([*compose.command(service), *service.get("healthcheck", {}).get("test", ())])
        assert not [secret for secret in compose.SECRETS.values() if secret in words]


def test_flower_is_given_no_key_and_no_database_of_ours() -> None:
    given = " ".join(SERVICES["flower"]["environment"].values())
    assert compose.SECRETS["SECRET_KEY"] not in given
    assert compose.SECRETS["POSTGRES_PASSWORD"] not in given


# --- Compose itself, and the commands themselves --------------------------------------------------------------------


def _has_compose() -> bool:
    return (
        bool(DOCKER) and not subprocess.run([DOCKER, "compose", "version"], capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not _has_compose(), reason="the Compose plugin is not installed here")
def test_compose_accepts_the_file() -> None:
    argv = [DOCKER, "compose", "--env-file", os.devnull, "--file", str(ROOT / "docker-compose.yml"), "config", "-q"]
    own = {name: value for name, value in os.environ.items() if name not in compose.variables()}
    accepted = subprocess.run(argv, env=own | compose.SECRETS, capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stderr
    refused = subprocess.run(argv, env=own, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "is not set, see docs/deployment.md" in refused.stderr


def until(what: Callable[[], bool], or_else: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, or_else
        time.sleep(0.1)


class Here:
    """The services' commands and environments, with what differs between their containers and this machine."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self._folder = folder
        self.ports = {inside: str(free_port()) for inside in ("8000", "8001", "5555")}
        self._differs = {
            "postgresql://pillio:postgres-password-for-tests@postgres:5432/pillio": database_url,
            "redis://:valkey-password-for-tests@valkey:6379/0": redis_url,
            EVERYWHERE: "127.0.0.1",
            "=/tmp/": f"={folder}/",
            " /tmp/": f" {folder}/",
            **self.ports,
        }

    def run(self, name: str) -> AbstractContextManager["subprocess.Popen[bytes]"]:
        return self._run(name, shlex.split(self._put(shlex.join(compose.command(SERVICES[name])))))

    def is_well(self, name: str) -> bool:
        with self._run(name, SERVICES[name]["healthcheck"]["test"][1:], "-check") as process:
            return process.wait(60) == 0

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}"

    def said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def _run(self, name: str, argv: list[str], suffix: str = "") -> AbstractContextManager["subprocess.Popen[bytes]"]:
        given = {key: self._put(value) for key, value in SERVICES[name]["environment"].items() if value is not None}
        own = {"PILLIO_HOME": str(self._folder / "home"), "PYTHONWARNINGS": "ignore", "BCRYPT_ROUNDS": "4"}
        return compose.running(argv, given | own, self._folder, f"{name}{suffix}")

    def _put(self, text: str) -> str:
        for inside, outside in self._differs.items():
            text = text.replace(inside, outside)
        return text


@pytest.fixture
def here(
    tmp_path: Path, database_url: str, redis_url: str, committed: sessionmaker[Session], db_engine: Engine
) -> Iterator[Here]:
    """The partitions that workers make are dropped when they have ended."""
    yield Here(tmp_path, database_url, redis_url)
    drop_all(db_engine)


def test_every_service_of_ours_starts_is_found_well_and_stops_without_a_fuss(here: Here) -> None:
    """While somebody listens to live streams, too."""
    with ExitStack() as people:
        with ExitStack() as stack:
            assert stack.enter_context(here.run("migrate")).wait(60) == 0, here.said("migrate")
            started = {name: stack.enter_context(here.run(name)) for name in OURS if name not in ONE_SHOT}
            for name, process in started.items():
                until(partial(here.is_well, name), f"{name} is not well")
                assert process.poll() is None, here.said(name)
            _is_locked(here.url("5555"))
            heard = [people.enter_context(each) for each in _listen(here)]
        for each in heard:
            each.wait_for(lambda stream: stream.has_ended)
    assert not {name: here.said(name) for name in started if re.search("Traceback|ERROR", here.said(name))}


def _listen(here: Here) -> Iterator[AbstractContextManager[Listening]]:
    """Ada, twice: at the API and at the stream's own port."""
    with httpx.Client(base_url=here.url("8000"), timeout=60) as client:
        ada = Caller(client).join("ada")
        for inside in ("8000", "8001"):
            yield listening(ada, url=f"{here.url(inside)}/api/v1/notifications/stream")


def _is_locked(flower: str) -> None:
    """Without the password nothing is shown; with it all is shown and nothing is done."""
    owner = ("pillio", compose.SECRETS["FLOWER_PASSWORD"])
    assert httpx.get(f"{flower}/workers").status_code == 401
    assert httpx.get(f"{flower}/workers", auth=owner).status_code == 200
    stop = httpx.post(f"{flower}/api/worker/shutdown/engine@here", auth=owner)
    assert (stop.status_code, stop.text) == (403, "Read only mode is enabled")
