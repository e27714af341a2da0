"""Send: lease and commit, hand over outside any transaction, settle in another.

No more is leased than is sent at once, so nothing that is leased waits for something slow: a message the relay takes
its time over holds up the one connection it has, and everybody else's goes past it.
"""

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

import structlog
from celery import shared_task
from sqlalchemy import Engine

from engine import clock
from engine.db import run
from engine.notifications import delivery, email
from engine.notifications.delivery import Message, Result
from engine.settings import load
from tasks.edge import database

AT_ONCE = 8  # connections to the relay
SHIFT = timedelta(seconds=60)  # then the next tick's task goes on: one task never runs for ever
GATHER_SECONDS = 0.05  # for others to finish, too, and be settled in the same transaction
LOOK_AGAIN_SECONDS = 1.0  # for what has become ready while the ones at work are slow
log = structlog.get_logger()

AtWork = set[Future[Result]]


@shared_task(name="pillio.send")
def send() -> None:
    """Hand over what is ready until nothing is."""
    deliver(database())


def deliver(engine: Engine) -> None:
    ends_at = clock.now() + SHIFT
    with ThreadPoolExecutor(AT_ONCE, "sender") as pool:
        at_work = _take(engine, pool, AT_ONCE)
        while at_work:
            wait(at_work, LOOK_AGAIN_SECONDS, FIRST_COMPLETED)
            finished, at_work = wait(at_work, GATHER_SECONDS)
            if finished:
                _settle(engine, [each.result() for each in finished])
            if clock.now() < ends_at:
                at_work |= _take(engine, pool, AT_ONCE - len(at_work))


def _take(engine: Engine, pool: ThreadPoolExecutor, free: int) -> AtWork:
    """Lease as many as there are free hands."""
    messages = run(engine, partial(delivery.lease, limit=free, now=clock.now())) if free else []
    return {pool.submit(_hand_over, message) for message in messages}


def _hand_over(message: Message) -> Result:
    if message.withhold:
        return Result(message.leased, message.withhold)
    return email.send(message, load())


def _settle(engine: Engine, results: list[Result]) -> None:
    settled = run(engine, partial(delivery.settle, results=results, now=clock.now()))
    log.info("messages.settled", sent=settled.sent, postponed=settled.postponed, given_up=settled.given_up)
    for code, failed in Counter(each.code for each in results if each.outcome == "failed").items():
        log.warning("messages.failed", code=code, failed=failed)
