"""Races: many threads that all start at once, or one that comes while another is not done."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from engine.errors import EngineError

T = TypeVar("T")


def all_at_once(
    committed: sessionmaker[Session], work: Callable[[Session], T], *, times: int = 20
) -> list[T | EngineError]:
    """What each of them got: an answer, or an error in words. Anything else is raised here."""
    barrier = threading.Barrier(times)

    def one(_: int) -> T | EngineError:
        with committed() as session:
            session.connection()  # connected before the start, so that all really run together
            barrier.wait(timeout=30)
            try:
                answer = work(session)
            except EngineError as error:
                session.rollback()
                return error
            session.commit()
            return answer

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def in_background(work: Callable[[], T]) -> Future[T]:
    """Start `work` in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    begun = pool.submit(work)
    pool.shutdown(wait=False)
    return begun


def until_it_waits_or_ends(committed: sessionmaker[Session], work: Future[T]) -> None:
    """Return when `work` is done, or stands at a lock that somebody else holds."""
    waiting = text(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    for _ in range(3000):
        with committed() as session:
            if work.done() or session.scalar(waiting):
                return
        time.sleep(0.01)
    raise AssertionError("it neither waits nor ends")
