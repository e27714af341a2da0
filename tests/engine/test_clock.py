"""Two clocks that must agree before anybody is told anything."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from engine import clock


def test_the_real_clocks_of_one_machine_agree(session: Session) -> None:
    assert clock.agrees(session)


@pytest.mark.parametrize(
    ("seconds", "agree"), [(-600, False), (-6, False), (-3, True), (3, True), (6, False), (172_800, False)]
)
def test_a_clock_that_was_set_wrong_is_noticed(
    session: Session, monkeypatch: pytest.MonkeyPatch, seconds: int, agree: bool
) -> None:
    right = clock.now()
    monkeypatch.setattr(clock, "of_database", lambda _: right)
    monkeypatch.setattr(clock, "now", lambda: right + timedelta(seconds=seconds))

    assert clock.agrees(session) is agree
    assert clock.ahead(session) == timedelta(seconds=seconds)
