"""The sweeps behind the wake-ups, and housekeeping."""

from datetime import datetime
from functools import partial

import structlog
from celery import shared_task
from sqlalchemy.orm import Session

from engine import clock, partitions
from engine.db import run
from engine.dispatch import ahead, due, lapse, shards
from engine.doses import retention
from engine.notifications import planning
from engine.prescriptions import expiry
from engine.pulse import beat, outages
from engine.requests import replay
from tasks.edge import database, wake_streams
from tasks.ticking import wake_senders

BATCH = 500
log = structlog.get_logger()


@shared_task(name="pillio.roll")
def roll() -> None:
    """Plan further ahead, a batch of rules at a time, until none is behind."""
    if not _is_trusted():
        return
    rules = BATCH
    while rules:
        rolled = run(database(), partial(ahead.roll, now=clock.now()))
        rules = rolled.rules
        if rules:
            log.info("horizon.rolled", rules=rolled.rules, doses=rolled.doses)


@shared_task(name="pillio.sweep_gaps")
def sweep_gaps() -> None:
    """Claim and close what was committed behind the cursors. One transaction per shard, so a lock delays one."""
    heard, queued = [], 0
    for shard in shards.EVERY:
        if not _is_trusted():
            return
        now = clock.now()
        claimed = run(database(), partial(due.claim_gap, shard=shard, now=now))
        lapsed = run(database(), partial(lapse.lapse_gap, shard=shard, now=now))
        queued += claimed.queued + lapsed.queued
        if claimed.told or lapsed.seen:
            heard.append(shard)
            log.warning("gap.found", shard=shard, told=claimed.told, closed=lapsed.seen)
    if heard:
        wake_streams(heard)
    if queued:
        wake_senders()


@shared_task(name="pillio.watch_expiries")
def watch_expiries() -> None:
    """Tell of prescriptions whose next threshold has come."""
    if not _is_trusted():
        return
    while run(database(), partial(_tell_expiries, now=clock.now())) >= BATCH:
        pass
    wake_senders()


def _tell_expiries(session: Session, now: datetime) -> int:
    told = expiry.sweep(session, now=now, limit=BATCH)
    planning.tell(session, now=now)
    return told


@shared_task(name="pillio.tidy")
def tidy() -> None:
    """Make partitions ahead and drop those behind; forget pulses and answers nobody can ask for any more."""
    if not _is_trusted():
        return
    now = clock.now()
    run(database(), partial(partitions.make_ahead, now=now))
    retired = run(database(), partial(retention.retire, now=now))
    if retired.kept:
        log.error("days.kept_open", days=retired.kept)
    run(database(), partial(outages.prune, now=now))
    run(database(), partial(beat.prune, now=now))
    run(database(), partial(replay.prune, now=now))


def _is_trusted() -> bool:
    """By a clock that is days ahead, doses to come were slept through, and what is needed is forgotten."""
    return run(database(), clock.agrees)
