"""The feed of a live stream: nothing committed is skipped, whatever the order of the commits."""

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts import sessions
from engine.accounts.access import Who
from engine.errors import NotAllowed
from engine.events import log
from engine.events.facts import StockChanged
from engine.notifications import feed
from engine.notifications.feed import Heard
from tests.support.people import make_person

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)


@pytest.fixture
def ada(committed: sessionmaker[Session]) -> Who:
    with committed.begin() as session:
        return make_person(session, now=NOW)


def _append(session: Session, who: Who, entry_id: int) -> None:
    fact = StockChanged(
        user_id=who.person.id,
        occurred_at=NOW,
        medicine_id=1,
        entry_id=entry_id,
        change_amount=1,
        new_stock=1,
        change_type="added",
    )
    log.append(session, [fact], now=NOW)


def _listen(committed: sessionmaker[Session], who: Who, since: int) -> Heard:
    with committed() as session:
        return feed.listen(session, who.actor_id, who.session_id, None, since, now=NOW)


def _entries(heard: Heard) -> list[int]:
    return [item.data["entry_id"] for item in heard.items]


def _here(committed: sessionmaker[Session]) -> int:
    with committed() as session:
        return feed.position(session).fence


def _wait_for_the_fence(committed: sessionmaker[Session], *, beyond: int) -> None:
    """Transaction ids are the whole cluster's: another test's transaction may hold the fence back for a moment."""
    deadline = time.monotonic() + 20
    while _here(committed) <= beyond:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_commits_late_behind_what_was_sent_is_still_heard(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed() as slow:
        _append(slow, ada, 1)  # has its place in the order, and does not commit yet
        with committed.begin() as fast:
            _append(fast, ada, 2)

        early = _listen(committed, ada, start)
        assert _entries(early) == [2]

        slow.commit()

    late = _listen(committed, ada, early.position.fence)
    assert _entries(late) == [1, 2]
    assert late.items[1].key == early.items[0].key  # the same thing again: a listener can tell


def test_once_nobody_writes_the_fence_leaves_behind_what_was_sent(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed.begin() as session:
        _append(session, ada, 1)

    heard = _listen(committed, ada, start)
    assert _entries(heard) == [1]

    _wait_for_the_fence(committed, beyond=heard.items[0].key[2])
    assert _entries(_listen(committed, ada, _here(committed))) == []


def test_what_was_rolled_back_is_never_heard(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed() as session:
        _append(session, ada, 1)
        session.rollback()

    assert _entries(_listen(committed, ada, start)) == []


def test_a_stranger_hears_nothing(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed.begin() as session:
        bob = make_person(session, name="bob", now=NOW)
        _append(session, ada, 1)

    assert _entries(_listen(committed, bob, start)) == []


def test_a_session_that_has_ended_hears_nothing_more(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed.begin() as session:
        sessions.revoke(session, ada.session_id, ada.actor_id, now=NOW)

    with pytest.raises(NotAllowed):
        _listen(committed, ada, start)


def test_a_long_absence_is_said_to_be_one(committed: sessionmaker[Session], ada: Who) -> None:
    start = _here(committed)
    with committed.begin() as session:
        for entry_id in range(feed.BACKLOG_MAX):
            _append(session, ada, entry_id)
    assert not _listen(committed, ada, start).is_too_much

    with committed.begin() as session:
        _append(session, ada, feed.BACKLOG_MAX)
    assert _listen(committed, ada, start).is_too_much


def test_a_cursor_is_understood_by_its_own_database_only(committed: sessionmaker[Session]) -> None:
    with committed() as session:
        here = feed.position(session)

    assert feed.since_of(here.text, here) == here.fence
    assert feed.since_of(f"{here.epoch}-{here.fence - 1}", here) == here.fence - 1
    assert feed.since_of(f"another-{here.fence}", here) is None
    assert feed.since_of(f"{here.epoch}-{here.fence + 1}", here) is None  # from before a restore, perhaps
    for nonsense in ("", "41", "-", f"{here.epoch}-", f"{here.epoch}-x", f"{here.epoch}-{'9' * 40}", "é-1"):
        assert feed.since_of(nonsense, here) is None
