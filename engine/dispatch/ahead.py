"""Roll the horizon: plan further the rules whose doses have rows less than two days ahead.

Costs O(active rules) a day, spread over it; an idle minute costs one index probe, whatever exists.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from engine.dispatch import due
from engine.doses import horizon, slept_through
from engine.doses.horizon import Planned
from engine.reminders import plans
from engine.reminders.plans import Plan
from schedules import is_over

AT_LEAST = timedelta(days=2)
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Rolled:
    """`rules` looked at, `doses` that are new, `slept_through`: those that came and went while nothing ran."""

    rules: int = 0
    doses: int = 0
    slept_through: int = 0


def roll(session: Session, *, now: datetime, limit: int = BATCH) -> Rolled:
    """Plan a batch of rules up to the horizon. Repeating it makes nothing twice.

    After an outage of days some doses are due already, behind the cursor: those are claimed here. Others are over,
    and leave only their outcome.
    """
    with _no_search_for_cycles():
        return _roll(session, now=now, limit=limit)


def _roll(session: Session, *, now: datetime, limit: int) -> Rolled:
    behind = plans.behind(session, before=now + AT_LEAST, limit=limit)
    made, slept = _plan(session, behind, now=now)
    until = now + horizon.HORIZON
    ended = {plan.reminder_id for plan in behind if is_over(plan.rule, until)}
    plans.mark_planned(session, [plan.reminder_id for plan in behind if plan.reminder_id not in ended], until)
    plans.mark_planned(session, sorted(ended), None)
    return Rolled(len(behind), made, slept)


def _plan(session: Session, behind: list[Plan], *, now: datetime) -> tuple[int, int]:
    """Rows for what lies ahead, outcomes for what was slept through; returns how many of each are new."""
    until = now + horizon.HORIZON
    planned = [dose for plan in behind for dose in horizon.ahead(plan, since=_since(plan, now), until=until, now=now)]
    made = horizon.materialise(session, planned, now=now)
    over = [dose for plan in behind for dose in slept_through.over(plan, now=now)]
    slept = slept_through.record(session, over, now=now)
    for reminder_id in _due_already(planned, now):
        due.claim_inline(session, reminder_id, now=now)
    return made, slept


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A batch makes tens of thousands of objects and no cycle, and the collector would look through the whole process
    for one again and again: a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _due_already(planned: list[Planned], now: datetime) -> list[int]:
    soon = now + horizon.DUE_ALREADY
    return sorted({dose.plan.reminder_id for dose in planned if dose.occurrence.at <= soon})


def _since(plan: Plan, now: datetime) -> datetime:
    """From where rows may be missing: after a long outage, from the oldest window that can still be open."""
    return max(plan.through_at or now, now - horizon.WINDOW_MAX)
