"""Brings a database to the checkout's schema: `alembic upgrade head`, its lines passed on under `migrate`."""

import re
import subprocess
import sys

from ops import tether
from ops.refusal import Refusal
from ops.speaking import say
from ops.wishes import REPO


def migrate(environment: dict[str, str]) -> None:
    """Raises `Refusal` when a migration fails; what was applied before it stays applied."""
    argv = tether.command("TERM", [sys.executable, "-m", "alembic", "upgrade", "head"])
    done = subprocess.run(
        argv, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    unknown = re.search(r"Can't locate revision identified by '(\w+)'", done.stdout)
    if unknown:
        raise Refusal(
            f"The database was written by another version of Pillio (its revision {unknown[1]} is not known here): "
            "run the version that wrote it or a newer one, or set another PILLIO_HOME to begin empty."
        )
    if done.stdout.strip():
        say("migrate", done.stdout.strip())
    if done.returncode:
        raise Refusal("The database could not be brought up to date: the lines above say why.")
