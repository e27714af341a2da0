"""What is tethered ends with its parent, even when that is killed."""

import subprocess
import sys
import time

import pytest

from ops import processes, tether


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own doing, on Linux only")
def test_a_tethered_program_ends_when_its_parent_is_killed() -> None:
    argv = ["sh", "-c", '"$@" & echo $!; read _', "sh", *tether.command("TERM", ["sleep", "300"])]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        while "sleep" not in processes.command_line(pid).split()[:1]:
            assert processes.is_alive(pid)
            time.sleep(0.02)
        parent.kill()
    assert processes.wait_gone(pid, 30)


def test_a_tethered_program_takes_over_the_process() -> None:
    done = subprocess.run(tether.command("TERM", ["echo", "it"]), capture_output=True, text=True, check=True)
    assert done.stdout == "it\n"
