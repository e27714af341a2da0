"""A PostgreSQL cluster in a folder of ours: made, described, checked to be ours, stopped.

Passwords only (SCRAM), 127.0.0.1 only, no Unix socket (its path may be too long). One role, `pillio`, owns the
cluster. A folder of another major version, of another user or of something else is refused, never touched.
"""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from ops import binaries, footing, postmaster_file, processes
from ops.footing import Footing, find_footing
from ops.keyring import write_private
from ops.ports import LOOPBACK
from ops.refusal import Refusal

ROLE = "pillio"
STOP_SIGNAL = "INT"  # "fast": the default, TERM, waits for clients, so a connection pool would hold it up for ever
_INITDB = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_SCRAM = ("--auth=scram-sha-256", f"--username={ROLE}")
_PACE_SECONDS = 0.05
_INITDB_STOP_SECONDS = 8.0

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "track_commit_timestamp": "on",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",
    "log_min_messages": "fatal",  # a failed statement is the client's to report; its text may name a person
    "log_checkpoints": "off",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


@dataclass(frozen=True)
class Cluster:
    """`durable=False` is for tests: it may lose data when the machine stops."""

    data_dir: Path
    port: int
    password: str = field(repr=False)
    durable: bool = True
    footing: Footing = field(default_factory=find_footing)

    def url(self, database: str) -> str:
        return f"postgresql://{ROLE}:{quote(self.password, safe='')}@{LOOPBACK}:{self.port}/{database}"

    def command(self) -> list[str]:
        """What to run in the foreground, tied to its parent. `prepare` first."""
        programs = footing.programs(self.footing, self.data_dir.parent)
        postgres = [str(programs / "postgres"), "-D", str(self.data_dir), "-p", str(self.port)]
        return self.footing.tethered(postgres, STOP_SIGNAL)


def prepare(cluster: Cluster) -> bool:
    """Makes the cluster, or refuses the folder; always leaves it ready to start. True when it is new."""
    cluster.data_dir.parent.mkdir(parents=True, exist_ok=True)
    footing.open_way(cluster.data_dir.parent, cluster.footing)
    is_new = not _holds_data(cluster.data_dir)
    if is_new:
        _initdb(cluster)
    footing.give(cluster.data_dir, cluster.footing)
    _write_settings(cluster)
    postmaster_file.settle(cluster.data_dir)
    return is_new


def _holds_data(data_dir: Path) -> bool:
    version = data_dir / "PG_VERSION"
    if not version.exists():
        if data_dir.exists() and any(data_dir.iterdir()):
            raise Refusal(f"{data_dir} is not empty and not a PostgreSQL data folder: move it away, then start again.")
        return False
    found, ours = version.read_text(encoding="ascii").strip(), binaries.postgres_version().split(".")[0]
    if found != ours:
        raise Refusal(
            f"{data_dir} holds data of PostgreSQL {found} and this Pillio runs {ours}: "
            "dump it with the old version and restore it, or move the folder away to begin empty."
        )
    return True


def _initdb(cluster: Cluster) -> None:
    """Beside the folder, then renamed: a half-made cluster is never mistaken for data."""
    half = cluster.data_dir.with_name(cluster.data_dir.name + ".new")
    password = half.with_name(half.name + ".password")
    _remove(half)
    half.mkdir(mode=0o700)
    write_private(password, cluster.password)
    try:
        for path in (half, password):
            footing.give(path, cluster.footing)
        _run_initdb(cluster, half, password)
    finally:
        password.unlink(missing_ok=True)
    if cluster.data_dir.exists():
        cluster.data_dir.rmdir()
    half.rename(cluster.data_dir)


def _run_initdb(cluster: Cluster, half: Path, password: Path) -> None:
    programs = footing.programs(cluster.footing, cluster.data_dir.parent)
    sync = [] if cluster.durable else ["--no-sync"]
    argv = [str(programs / "initdb"), "-D", str(half), *_INITDB, *_SCRAM, f"--pwfile={password}", *sync]
    process = subprocess.Popen(
        cluster.footing.tethered(argv, "TERM"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=half.parent
    )
    try:
        _, errors = process.communicate()
    except BaseException:
        processes.stop_child(process, "TERM", _INITDB_STOP_SECONDS)  # killed, it would leave a server of its own behind
        raise
    if process.returncode:
        _remove(half)
        reason = _reason(errors.decode(errors="replace"))
        raise Refusal(f"PostgreSQL could not make its data folder {cluster.data_dir} ({reason}).")


def _reason(text: str) -> str:
    """The first line that names an error; the last ones only tell of tidying up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search("error|fatal|denied|cannot|could not", line, re.IGNORECASE)]
    return ([*telling, *lines[-1:]] or ["no reason given"])[0]


def _remove(folder: Path) -> None:
    for each in sorted(folder.rglob("*"), reverse=True):
        each.rmdir() if each.is_dir() and not each.is_symlink() else each.unlink()
    if folder.exists():
        folder.rmdir()


def _write_settings(cluster: Cluster) -> None:
    """Ours are written at every start; an operator's own, set with ALTER SYSTEM, win and survive."""
    settings = _SETTINGS | {"wal_compression": binaries.wal_compression()} | ({} if cluster.durable else _THROWAWAY)
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    path = cluster.data_dir / "postgresql.conf"
    path.write_text("# Written by Pillio at every start. Use ALTER SYSTEM instead.\n" + "\n".join(lines) + "\n")
    footing.give(path, cluster.footing)


def start(cluster: Cluster, seconds: float = 120) -> subprocess.Popen[bytes]:
    """Starts a prepared cluster as our child and waits for it. Stop it with `processes.stop_child` and STOP_SIGNAL."""
    log = cluster.data_dir.with_name(cluster.data_dir.name + ".log").open("wb")
    with log:
        process = subprocess.Popen(
            cluster.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0, cwd="/"
        )
    try:
        wait_ready(cluster, lambda: process.poll() is None, seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def wait_ready(cluster: Cluster, is_running: Callable[[], bool], seconds: float = 120) -> None:
    """Returns when the cluster answers on its port *and* is this one. Crash recovery may take most of the time."""
    deadline = time.monotonic() + seconds
    reason = "no answer"
    while time.monotonic() < deadline:
        if not is_running():
            raise Refusal(f"PostgreSQL stopped while starting on {cluster.data_dir}: what it wrote says why.")
        try:
            _refuse_stranger(cluster)
            return
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
        if "password authentication failed" in reason:
            raise Refusal(f"The password kept in PILLIO_HOME is not the one of the data in {cluster.data_dir}.")
        time.sleep(_PACE_SECONDS)
    raise Refusal(f"PostgreSQL did not start within {seconds:.0f} s ({reason}).")


def _refuse_stranger(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), connect_timeout=2) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    if row is None or Path(str(row[0])).resolve() != cluster.data_dir.resolve():
        raise Refusal(f"Another PostgreSQL answers on port {cluster.port}: nothing was written to it.")


def ensure_database(cluster: Cluster, name: str) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if known is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
