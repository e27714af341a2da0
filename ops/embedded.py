"""PostgreSQL and Valkey for one run of the stack: only those the operator has not brought along.

Their ports are chosen anew at every start; who needs them is told through the environment, or, for another command
of the same user while the stack runs, through `run/servers.json`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops import one_at_a_time, postgres, valkey
from ops.keyring import Keyring, open_keyring, write_private
from ops.ports import free_port
from ops.processes import stop_child
from ops.refusal import Refusal
from ops.wishes import Wishes, program_environment

DATABASE = "pillio"
_STOP_SECONDS = 20


@dataclass(frozen=True)
class Embedded:
    """None where the operator's own server is used."""

    cluster: postgres.Cluster | None
    server: valkey.Server | None
    keyring: Keyring

    def environment(self, wishes: Wishes) -> dict[str, str]:
        database_url = self.cluster.url(DATABASE) if self.cluster else wishes.database_url
        redis_url = self.server.url() if self.server else wishes.redis_url
        assert database_url
        assert redis_url
        return program_environment(wishes, database_url, redis_url, self.keyring.secret_key)

    def wait_ready(self, is_running: Callable[[str], bool]) -> None:
        """`is_running` says it of `postgres` and of `valkey`."""
        if self.cluster:
            postgres.wait_ready(self.cluster, lambda: is_running("postgres"))
            postgres.ensure_database(self.cluster, DATABASE)
        if self.server:
            valkey.wait_ready(self.server, lambda: is_running("valkey"))


def plan(wishes: Wishes) -> Embedded:
    """Which servers this run needs, and where. Makes the secrets; starts and writes nothing else."""
    keyring = open_keyring(wishes.home)
    taken = set(wishes.ports.values())
    first = free_port(taken)
    second = free_port(taken | {first})
    return Embedded(
        cluster=None if wishes.database_url else postgres.Cluster(wishes.home / "postgres", first, keyring.postgres),
        server=None if wishes.redis_url else valkey.Server(wishes.home / "valkey", second, keyring.valkey),
        keyring=keyring,
    )


def prepare(embedded: Embedded) -> bool:
    """Data folders and configurations. True when the database is new."""
    if embedded.server:
        valkey.prepare(embedded.server)
    return postgres.prepare(embedded.cluster) if embedded.cluster else False


@contextmanager
def published(wishes: Wishes, environment: dict[str, str]) -> Iterator[None]:
    """While the stack runs, other commands of this user find its servers."""
    path = _published_file(wishes)
    write_private(path, json.dumps({name: environment[name] for name in ("DATABASE_URL", "REDIS_URL")}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _published_file(wishes: Wishes) -> Path:
    return wishes.run_dir / "servers.json"


@contextmanager
def connected(wishes: Wishes) -> Iterator[dict[str, str]]:
    """The environment for a single command: of the stack that runs, else of servers started for it alone."""
    if one_at_a_time.is_running(wishes.home):
        yield of_the_running(wishes)
        return
    with one_at_a_time.only_one(wishes.home):
        embedded = plan(wishes)
        prepare(embedded)
        with _alone(embedded):
            embedded.wait_ready(lambda _: True)
            yield embedded.environment(wishes)


def of_the_running(wishes: Wishes) -> dict[str, str]:
    """The environment of the stack that runs on this home; raises `Refusal` while its servers are not up."""
    try:
        urls = json.loads(_published_file(wishes).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Refusal(f"Pillio on {wishes.home} is starting or stopping: try again in a few seconds.") from None
    secret_key = open_keyring(wishes.home).secret_key
    return program_environment(wishes, urls["DATABASE_URL"], urls["REDIS_URL"], secret_key)


@contextmanager
def _alone(embedded: Embedded) -> Iterator[None]:
    started = []
    try:
        if embedded.cluster:
            started.append((postgres.start(embedded.cluster), postgres.STOP_SIGNAL))
        if embedded.server:
            started.append((valkey.start(embedded.server), valkey.STOP_SIGNAL))
        yield
    finally:
        for process, signal in reversed(started):
            stop_child(process, signal, _STOP_SECONDS)
