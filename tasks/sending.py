"""Send: lease and commit, hand over outside any transaction, settle in another.

No more is leased than is sent at once, so nothing that is leased waits for something slow: a message the relay takes
its time over holds up the one connection it has, and everybody else's goes past it. Whoever is still at one renews its
lease, and what was handed over is settled as soon as the database can be reached: only a sender that dies leaves a
message behind of which nobody knows whether it was sent.
"""

import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

import structlog
from celery import shared_task
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

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
RENEW_AFTER = delivery.LEASE / 3
AWAY = (OperationalError, InterfaceError, PoolTimeout)  # the database, for a while
log = structlog.get_logger()

AtWork = dict[Future[Result], Message]


@shared_task(name="pillio.send")
def send() -> None:
    """Hand over what is ready until nothing is."""
    deliver(database())


def deliver(engine: Engine) -> None:
    """Returns when nothing is ready or at work any more. Raises if the database stays away for longer than a shift."""
    ends_at = clock.now() + SHIFT
    with ThreadPoolExecutor(AT_ONCE, "sender") as pool:
        at_work, renewed_at = _take(engine, pool, AT_ONCE), clock.now()
        done: list[Result] = []
        while at_work or done:
            done += _finished(at_work)
            now = clock.now()
            try:
                _settle(engine, done)
                done = []
                if now - renewed_at >= RENEW_AFTER:
                    _renew(engine, at_work)
                    renewed_at = now
                if now < ends_at:
                    at_work |= _take(engine, pool, AT_ONCE - len(at_work))
            except AWAY as error:
                if now >= ends_at:
                    raise
                log.warning("messages.unsettled", waiting=len(done), error=type(error).__name__)
                time.sleep(LOOK_AGAIN_SECONDS)


def _finished(at_work: AtWork) -> list[Result]:
    """What has come of those that are done, which are at work no more; after a second of waiting perhaps nothing."""
    wait(at_work, LOOK_AGAIN_SECONDS, FIRST_COMPLETED)
    finished = wait(at_work, GATHER_SECONDS).done
    for each in finished:
        del at_work[each]
    return [each.result() for each in finished]


def _renew(engine: Engine, at_work: AtWork) -> None:
    leased = [message.leased for message in at_work.values()]
    run(engine, partial(delivery.renew, leased=leased, now=clock.now()))


def _take(engine: Engine, pool: ThreadPoolExecutor, free: int) -> AtWork:
    """Lease as many as there are free hands."""
    messages = run(engine, partial(_lease, limit=free)) if free else []
    return {pool.submit(_hand_over, message): message for message in messages}


def _lease(session: Session, limit: int) -> list[Message]:
    """None while our clock cannot be trusted: one that is far ahead would call every message expired."""
    return delivery.lease(session, limit=limit, now=clock.now()) if clock.agrees(session) else []


def _hand_over(message: Message) -> Result:
    if message.withhold:
        return Result(message.leased, message.withhold)
    return email.send(message, load())


def _settle(engine: Engine, results: list[Result]) -> None:
    if not results:
        return
    settled = run(engine, partial(delivery.settle, results=results, now=clock.now()))
    log.info("messages.settled", sent=settled.sent, postponed=settled.postponed, given_up=settled.given_up)
    if settled.stale:
        log.warning("messages.stale", stale=settled.stale)
    for code, failed in Counter(each.code for each in results if each.outcome == "failed").items():
        log.warning("messages.failed", code=code, failed=failed)
