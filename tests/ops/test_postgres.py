"""A real cluster, as the user who runs the tests: made, stopped, killed, mistaken for another, refused."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ops import footing, postgres, processes
from ops.footing import Footing
from ops.ports import free_port
from ops.postgres import Cluster
from ops.refusal import Refusal

Start = Callable[[Cluster], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Made once; tests start copies of it."""
    cluster = Cluster(tmp_path_factory.mktemp("pristine") / "postgres", free_port(), "right", durable=False)
    assert postgres.prepare(cluster)
    return cluster


@pytest.fixture
def cluster(pristine: Cluster, tmp_path: Path) -> Cluster:
    data_dir = tmp_path / "Ada's #1 home" / "postgres"
    shutil.copytree(pristine.data_dir.parent, data_dir.parent)
    return replace(pristine, data_dir=data_dir, port=free_port())


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(cluster: Cluster) -> subprocess.Popen[bytes]:
        started.append(postgres.start(cluster, 30))
        return started[-1]

    yield begin
    for process in started:
        processes.stop_child(process, postgres.STOP_SIGNAL, 30)


def _ask(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return (cursor.fetchone() or [None])[0] if cursor.description else None


def test_a_cluster_is_made_once_and_answers_with_our_settings(cluster: Cluster, start: Start) -> None:
    assert postgres.prepare(cluster) is False
    start(cluster)
    postgres.ensure_database(cluster, "pillio")
    postgres.ensure_database(cluster, "pillio")
    assert _ask(cluster, "SELECT count(*) FROM pg_database WHERE datname = 'pillio'") == 1
    assert _ask(cluster, "SHOW track_commit_timestamp") == "on"
    assert _ask(cluster, "SHOW unix_socket_directories") == ""
    assert _ask(cluster, "SELECT datlocprovider::text FROM pg_database WHERE datname = 'pillio'") == "b"


def test_only_the_password_opens_it(cluster: Cluster, start: Start) -> None:
    start(cluster)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(replace(cluster, password="wrong").url("postgres"))


def test_a_stop_does_not_wait_for_clients(cluster: Cluster, start: Start) -> None:
    process = start(cluster)
    with psycopg.connect(cluster.url("postgres")):
        processes.stop_child(process, postgres.STOP_SIGNAL, 30)
    assert process.returncode == 0


def test_what_was_committed_survives_kill_9(cluster: Cluster, start: Start) -> None:
    """With the settings people's data is kept under: a throwaway cluster may lose its last moments."""
    cluster = replace(cluster, durable=True)
    postgres.prepare(cluster)
    process = start(cluster)
    _ask(cluster, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    process.kill()
    process.wait()
    postgres.prepare(cluster)
    start(cluster)
    assert _ask(cluster, "SELECT count(*) FROM kept") == 1000


def test_a_number_in_postmaster_pid_that_another_program_has_now_is_no_obstacle(cluster: Cluster, start: Start) -> None:
    process = start(cluster)
    lock = cluster.data_dir / "postmaster.pid"
    written = lock.read_text().splitlines()
    process.kill()
    process.wait()
    lock.write_text("\n".join([str(os.getpid()), *written[1:]]) + "\n")
    postgres.prepare(cluster)
    start(cluster)
    assert _ask(cluster, "SELECT 1") == 1


def test_a_postmaster_left_running_is_stopped_before_the_next_start(cluster: Cluster, start: Start) -> None:
    orphan = start(cluster)
    postgres.prepare(cluster)
    assert orphan.wait(30) == 0
    start(replace(cluster, port=free_port()))


def test_it_ends_when_its_parent_is_killed(cluster: Cluster) -> None:
    """Nobody is left to stop it, and nobody reaps it: it ends by its tether."""
    argv = ["sh", "-c", '"$@" & echo $!; read _', "sh", *cluster.command()]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        postgres.wait_ready(cluster, lambda: True, 30)
        parent.kill()
    assert processes.wait_gone(pid, 30)


def test_data_of_another_major_version_is_refused_and_untouched(cluster: Cluster) -> None:
    (cluster.data_dir / "PG_VERSION").write_text("16\n")
    before = sorted(path.name for path in cluster.data_dir.iterdir())
    with pytest.raises(Refusal, match=r"holds data of PostgreSQL 16 and this Pillio runs \d+"):
        postgres.prepare(cluster)
    assert sorted(path.name for path in cluster.data_dir.iterdir()) == before


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "diary.txt").touch()
    with pytest.raises(Refusal, match="not a PostgreSQL data folder"):
        postgres.prepare(Cluster(tmp_path / "postgres", free_port(), "right"))


def test_a_lost_password_is_said_in_words(cluster: Cluster, start: Start) -> None:
    start(cluster)
    with pytest.raises(Refusal, match="password kept in PILLIO_HOME is not the one"):
        postgres.wait_ready(replace(cluster, password="wrong"), lambda: True, 5)


def test_a_stranger_on_the_port_is_never_written_to(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    start(cluster)
    with pytest.raises(Refusal, match="Another PostgreSQL answers"):
        postgres.wait_ready(replace(cluster, data_dir=tmp_path / "ours"), lambda: True, 5)


def test_a_server_that_dies_while_starting_is_not_waited_for(cluster: Cluster) -> None:
    with pytest.raises(Refusal, match="stopped while starting"):
        postgres.wait_ready(cluster, lambda: False, 30)


def test_neither_password_nor_url_is_shown_by_the_cluster(cluster: Cluster) -> None:
    assert "right" not in repr(cluster)
    assert not re.search("right", " ".join(cluster.command()))


@pytest.fixture
def open_home() -> Iterator[Path]:
    """Not under `tmp_path`, whose parents are closed to others, and how many there are depends on the run."""
    with tempfile.TemporaryDirectory(prefix="pillio-test-") as folder:
        if not all(each.stat().st_mode & 0o001 for each in Path(folder).resolve().parents):
            pytest.skip("this machine's temporary folder is closed to others")
        yield Path(folder).resolve()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step aside")
def test_root_without_namespaces_runs_it_as_nobody_from_a_copy(
    start: Start, monkeypatch: pytest.MonkeyPatch, open_home: Path
) -> None:
    monkeypatch.setattr(footing, "_closed_folder", lambda path: path if path.name == "bin" else None)
    cluster = Cluster(open_home / "postgres", free_port(), "right", durable=False, footing=Footing(uid=footing.NOBODY))
    postgres.prepare(cluster)
    process = start(cluster)
    assert cluster.data_dir.stat().st_uid == footing.NOBODY
    assert f"{open_home}/postgres-" in processes.command_line(process.pid)
    assert Path(f"/proc/{process.pid}").stat().st_uid == footing.NOBODY
    processes.stop_child(process, postgres.STOP_SIGNAL, 30)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step aside")
def test_root_without_namespaces_refuses_a_home_that_others_may_not_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    cluster = Cluster(tmp_path / "home" / "postgres", free_port(), "right", footing=Footing(uid=footing.NOBODY))
    with pytest.raises(Refusal, match="others may not enter"):
        postgres.prepare(cluster)
