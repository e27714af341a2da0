"""The one-machine stack and the `pillio` command: servers, migrations, the programs, and one supervisor over them.

Owns everything between a checkout and a running Pillio on one computer. Knows the engine's settings and nothing of
its tables. An operator's mistake is a `Refusal`: one sentence and a non-zero exit, never a traceback.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  said here too, for who starts it with another python
    raise SystemExit("Pillio needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")
if sys.platform == "win32":
    raise SystemExit("Pillio's one-machine stack runs on Linux and macOS; on Windows use WSL or docker compose.")
