"""Run a program of ours with a clock that is wrong: `python -m tests.support.shifted MODULE ARGUMENTS`.

By how many seconds stands in the file that PILLIO_TEST_CLOCK names, and may be changed while it runs. Only what the
edges read is wrong; the database's clock is not.
"""

import os
import runpy
import sys
from datetime import datetime, timedelta
from pathlib import Path

from engine import clock

_FILE = Path(os.environ["PILLIO_TEST_CLOCK"])
_right = clock.now


def now() -> datetime:
    return _right() + timedelta(seconds=float(_FILE.read_text()))


if __name__ == "__main__":
    clock.now = now
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
