"""A machine for the module's worker, and for each test a stage on it: everything real, everything killable."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.settings import load
from tests.support.invariants import assert_invariants
from tests.support.machine import Machine, machine
from tests.support.mailbox import mailbox
from tests.support.playing import Stage, stage

_NUMBERS = itertools.cycle(range(64))  # logical databases of Valkey


@pytest.fixture(scope="session")
def own_machine() -> Iterator[Machine]:
    with machine() as made:
        yield made


@pytest.fixture
def on_stage(own_machine: Machine, tmp_path: Path) -> Iterator[Stage]:
    """What holds always is looked at once more when the test is over."""
    with mailbox() as post, stage(own_machine, post, tmp_path, next(_NUMBERS)) as made:
        with pytest.MonkeyPatch.context() as patch:  # what is sealed here must be opened there
            for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
                patch.setenv(name, made.environment[name])
            load.cache_clear()
            yield made
        load.cache_clear()
        own_machine.set_right()
        print(made.seen())
        assert_invariants(made.engine, datetime.now(UTC))
