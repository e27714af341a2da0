"""Ties a program to its parent, then becomes it: `tether.py SIGNAL [--as UID] -- COMMAND ...`.

On Linux the kernel sends SIGNAL when the parent dies, even by kill -9, so nothing outlives the stack; elsewhere the
program simply runs. `--as` gives root's rights away first (doing it later would clear the tie). Run as a script with
`python -I -S`: standard library only, no import of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def command(name: str, argv: list[str], uid: int | None = None) -> list[str]:
    """`argv` behind a tether that sends `name`, such as `TERM`, when the parent is gone."""
    become = [] if uid is None else ["--as", str(uid)]
    return [sys.executable, "-I", "-S", __file__, name, *become, "--", *argv]


def _become(uid: int) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def main(argv: list[str]) -> None:
    cut = argv.index("--")
    name, options, program = argv[0], argv[1:cut], argv[cut + 1 :]
    if options:
        _become(int(options[1]))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.Signals[f"SIG{name}"]), 0, 0, 0)
    os.execvp(program[0], program)  # noqa: S606  becoming the program is the point


if __name__ == "__main__":
    main(sys.argv[1:])
