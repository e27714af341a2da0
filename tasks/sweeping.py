"""One pass over a shard: claim, close, wake. Called by the drain task, and by the watchdog when there is no broker."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from engine import clock
from engine.db import run
from engine.dispatch import due, lapse, shards, wakeups
from engine.dispatch.due import Claimed
from engine.dispatch.lapse import Lapsed
from engine.dispatch.wakeups import Woken
from tasks.edge import wake_streams

SLEEP_SECONDS_MAX = 1.5  # a tick arms a second ahead, never more
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Swept:
    """What one batch did. `is_more`: a batch was full, so there may be another."""

    told: int = 0
    missed: int = 0
    not_reminded: int = 0
    queued: int = 0
    is_more: bool = False

    @property
    def is_heard(self) -> bool:
        return bool(self.told or self.missed or self.not_reminded)


def wait_until(until: datetime) -> None:
    """Sleep to the instant a drain was armed for, so that its doses are claimed within milliseconds of it."""
    while 0 < (ahead := (until - clock.now()).total_seconds()) <= SLEEP_SECONDS_MAX:
        time.sleep(ahead)


def drain(engine: Engine, shard: int) -> int:
    """Sweep a shard until nothing is left; returns how many outside messages were queued."""
    queued, is_more = 0, True
    while is_more:
        now = clock.now()
        swept = run(engine, partial(_batch, shard=shard, now=now))
        if swept.is_heard:
            wake_streams([shard])
            log.info("doses.swept", shard=shard, told=swept.told, missed=swept.missed, not_reminded=swept.not_reminded)
        queued, is_more = queued + swept.queued, swept.is_more
    return queued


def _batch(session: Session, shard: int, now: datetime) -> Swept:
    if not clock.agrees(session):
        log.error("clock.disagrees", shard=shard)
        return Swept()
    lease = shards.lease(session, shard)
    if lease is None:  # somebody else is at it
        return Swept()
    needs = shards.needs(session, lease, now=now)
    claimed = due.claim(session, lease, now=now) if needs.claiming else Claimed()
    lapsed = lapse.lapse(session, lease, now=now) if needs.closing else Lapsed()
    woken = wakeups.wake(session, lease, now=now) if needs.waking else Woken()
    deferred = lapse.lapse_deferred(session, lease, now=now) if woken.is_closing else Lapsed()
    return Swept(
        told=claimed.told + woken.told,
        missed=lapsed.missed + deferred.missed,
        not_reminded=lapsed.not_reminded + deferred.not_reminded,
        queued=claimed.queued + lapsed.queued + woken.queued + deferred.queued,
        is_more=claimed.seen >= due.BATCH or lapsed.seen >= lapse.BATCH or woken.seen >= wakeups.BATCH,
    )
