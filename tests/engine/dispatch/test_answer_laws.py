"""Whatever is said of a dose in whatever order, sweeps in between: its revisions and the ledger keep their laws."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from engine.dispatch import answers, regimen
from engine.doses.models import DoseOutcome
from engine.errors import Conflict, Invalid
from tests.support.reminders import World, doses_of, entries, make_world, on_hand
from tests.support.sweeps import sweep, sweep_gaps
from tests.support.worlds import rolled_back

TODAY = date(2026, 11, 24)
START = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)  # half an hour before the dose at 08:00 in Riga
ACTS = st.sampled_from(["taken", "skipped", "undo", "snooze", "sweep", "gaps", "off", "on"])
STEPS = st.lists(st.tuples(ACTS, st.integers(0, 90)), max_size=14)


def act(session: Session, world: World, what: str, now: datetime) -> None:
    """Do one thing, to today's dose where there is one. What is refused in words may not have changed anything."""
    today = [dose["id"] for dose in doses_of(session, world.reminder_id) if dose["key_date"] == TODAY]
    with suppress(Conflict, Invalid):
        match what:
            case "taken" | "skipped" if today:
                answers.answer(session, world.who, today[0], status=what, now=now)
            case "undo" if today:
                answers.undo(session, world.who, today[0], now=now)
            case "snooze" if today:
                answers.snooze(session, world.who, today[0], minutes=5, now=now)
            case "sweep":
                sweep(session, now=now)
            case "gaps":
                sweep_gaps(session, world.who, now=now)
            case "off" | "on":
                switched = {"is_active": what == "on"}
                regimen.edit_reminder(session, world.who, world.reminder_id, given=switched, is_put=False, now=now)


def check_laws(session: Session, world: World) -> None:
    statement = select(DoseOutcome.__table__).where(DoseOutcome.key_date == TODAY).order_by(DoseOutcome.revision)
    kept, ledger = session.execute(statement).mappings().all(), entries(session, world.medicine_id)
    assert [each["revision"] for each in kept] == list(range(1, len(kept) + 1))
    assert [each["superseded_at"] is None for each in kept] == [False] * (len(kept) - 1) + [True] * bool(kept)
    reversed_ids = {entry["reverses_id"] for entry in ledger}
    unreversed = [entry for entry in ledger if entry["log_id"] is not None and entry["id"] not in reversed_ids]
    is_taken = bool(kept) and kept[-1]["status"] == "taken"
    assert [entry["log_id"] for entry in unreversed] == ([kept[-1]["id"]] if is_taken else [])
    assert on_hand(session, world.medicine_id) == sum(entry["change_amount"] for entry in ledger) == 30 - is_taken


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
def test_revisions_follow_one_another_and_a_taken_dose_has_exactly_one_unreversed_entry(
    db_engine: Engine, steps: list[tuple[str, int]]
) -> None:
    with rolled_back(db_engine) as session:
        now = START
        ada = make_world(session, stock=30, at="08:00", now=now)
        for what, minutes in steps:
            now += timedelta(minutes=minutes)
            act(session, ada, what, now)
            check_laws(session, ada)
