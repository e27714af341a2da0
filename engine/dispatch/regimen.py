"""Save a rule and re-plan its doses, together: the reminder and its doses commit as one.

A rule plans from the moment it is saved: a slot of today whose window is still open is due now and claimed in the same
call; one whose window has closed is not planned. What is due already keeps the version it had.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.dispatch import due, wakeups
from engine.doses import administration, horizon, withdrawal
from engine.doses.lookup import DoseRef
from engine.medicines import catalogue
from engine.notifications import inbox
from engine.reminders import authoring, plans, queries
from engine.reminders.authoring import Held
from engine.reminders.fields import ReminderFields, edited, rule_of, touched
from engine.reminders.plans import Plan
from schedules import Rule, next_after


def add_reminder(session: Session, who: Who, *, fields: ReminderFields, now: datetime) -> dict[str, Any]:
    """A reminder in the person's zone, its first doses planned. Raises Invalid, or NotFound for the medicine."""
    catalogue.hold(session, who, fields.medicine_id)  # it cannot be deleted before the reminder is there to be seen
    fields = edited(fields, {}, is_put=False)
    rule = rule_of(fields, who.person.time_zone)
    reminder_id = authoring.create(session, who, fields, rule, now=now)
    _plan(session, who, reminder_id, fields, 1, rule, now)
    return queries.one(session, who, reminder_id, now=now)


def edit_reminder(
    session: Session, who: Who, reminder_id: int, *, given: Mapping[str, Any], is_put: bool, now: datetime
) -> dict[str, Any]:
    """Save an edit. Only one that says something new about when or how much makes a version."""
    held = authoring.hold(session, who, reminder_id)
    form = edited(held.form, given, is_put=is_put)
    is_touched = touched(held.form, form)
    rule = rule_of(form, held.rule.tzid, held.rule) if is_touched else held.rule
    version = authoring.revise(session, who, held, form, rule if is_touched else None, now=now)
    if form.is_active and not held.form.is_active:
        _tell(session, withdrawal.reopen(session, who, reminder_id, now=now), now)
    if is_touched or _plans_differ(held, form):
        _plan(session, who, reminder_id, form, version, rule, now)
    return queries.one(session, who, reminder_id, now=now)


def remove_reminder(session: Session, who: Who, reminder_id: int, *, now: datetime) -> None:
    """Hide a reminder; its future doses are withdrawn and its open ones cancelled. History stays."""
    authoring.hold(session, who, reminder_id)
    _withdraw(session, who, reminder_id, now)
    authoring.hide(session, who, [reminder_id], now=now)


def remove_medicine(session: Session, who: Who, medicine_id: int, *, now: datetime) -> None:
    """Hide a medicine with all its reminders, as the dialog of the app promises."""
    catalogue.hold(session, who, medicine_id)
    for reminder_id in authoring.of_medicine(session, who, medicine_id):
        remove_reminder(session, who, reminder_id, now=now)
    catalogue.hide(session, who, medicine_id, now=now)


def move_to_zone(session: Session, who: Who, time_zone: str, *, was_assumed: bool, now: datetime) -> int:
    """Re-plan after the *first choice* of a zone: rules were written in an assumed one. Returns how many moved.

    A later change is travel: home rules stay where they are, and rules that follow come with travel rules.
    """
    if not was_assumed:
        return 0
    held = [authoring.hold(session, who, reminder_id) for reminder_id in authoring.all_of(session, who)]
    moved = [reminder for reminder in held if reminder.rule.tzid != time_zone]
    for reminder in moved:
        rule = replace(reminder.rule, tzid=time_zone)
        version = authoring.revise(session, who, reminder, reminder.form, rule, now=now)
        _plan(session, who, reminder.id, reminder.form, version, rule, now)
    return len(moved)


def _withdraw(session: Session, who: Who, reminder_id: int, now: datetime) -> None:
    """Deleted or switched off: nothing lies ahead, what is open is cancelled, and nobody is told of it again."""
    horizon.withdraw(session, reminder_id, now=now)
    cancelled = withdrawal.cancel_open(session, who, reminder_id, now=now)
    for dose in cancelled:
        wakeups.cancel(session, dose)
        inbox.mark_answered(session, dose=dose, action=None, now=now)
    _tell(session, cancelled, now)


def _tell(session: Session, changed: list[DoseRef], now: datetime) -> None:
    for dose in changed:
        administration.tell(session, dose, now=now)


def _plans_differ(held: Held, form: ReminderFields) -> bool:
    return held.form.is_active != form.is_active or held.form.grace_minutes != form.grace_minutes


def _plan(
    session: Session, who: Who, reminder_id: int, form: ReminderFields, version: int, rule: Rule, now: datetime
) -> None:
    """Derive this rule's rows, claim what is due of them, and say how far they reach."""
    if not form.is_active:
        _withdraw(session, who, reminder_id, now)
        plans.mark_planned(session, [reminder_id], None)
        return
    plan = Plan(reminder_id, who.person.id, who.person.shard, form.medicine_id, version, rule, form.grace_minutes, None)
    horizon.replan(session, plan, now=now)
    due.claim_inline(session, reminder_id, now=now)
    through = now + horizon.HORIZON
    plans.mark_planned(session, [reminder_id], through if next_after(rule, through) else None)
