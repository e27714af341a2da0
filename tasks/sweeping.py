"""One pass over some shards: claim, close, wake. Called by the drain task, and by the watchdog when beat is silent."""

import time
from collections.abc import Sequence
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
from engine.dispatch.shards import Lease
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


def drain(engine: Engine, group: Sequence[int]) -> int:
    """Sweep these shards until nothing is left; returns how many outside messages were queued.

    A batch of each goes into one transaction: in a spike, committing costs more than the doses of a small shard.
    """
    queued, left = 0, list(group)
    while left:
        swept = run(engine, partial(_round, group=left, now=clock.now()))
        heard = [shard for shard, each in swept.items() if each.is_heard]
        if heard:
            wake_streams(heard)
            _say(swept)
        queued += sum(each.queued for each in swept.values())
        left = [shard for shard, each in swept.items() if each.is_more]
    return queued


def _say(swept: dict[int, Swept]) -> None:
    each = swept.values()
    log.info(
        "doses.swept",
        shards=len(swept),
        told=sum(one.told for one in each),
        missed=sum(one.missed for one in each),
        not_reminded=sum(one.not_reminded for one in each),
    )


def _round(session: Session, group: list[int], now: datetime) -> dict[int, Swept]:
    """One batch of each shard that nobody else is at; nothing while our clock cannot be trusted."""
    if not clock.agrees(session):
        log.error("clock.disagrees", ahead_seconds=clock.ahead(session).total_seconds())
        return {}
    leases = [lease for shard in group if (lease := shards.lease(session, shard))]
    return {lease.shard: _batch(session, lease, now) for lease in leases}


def _batch(session: Session, lease: Lease, now: datetime) -> Swept:
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
