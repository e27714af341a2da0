"""The sweeps behind the wake-ups, and housekeeping: each does what it says, on what is really there."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import ahead
from engine.prescriptions import authoring
from engine.pulse import beat
from engine.pulse.models import Pulse
from engine.requests import replay
from engine.requests.models import AnsweredRequest
from tasks import sending, upkeep
from tests.support.mailbox import Mailbox
from tests.support.messages import make_channel, waiting
from tests.support.partitions import drop_all
from tests.support.people import make_person
from tests.support.queues import Broker
from tests.support.reminders import bell, doses_of, make_world, standing

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
AHEAD = NOW + timedelta(hours=1)
END = date(2026, 4, 2)  # thirty days ahead
LINE = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Twice daily"}

Worlds = sessionmaker[Session]


def test_the_horizon_rolls_until_no_rule_is_behind(
    world: Worlds, hold_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.begin() as session:
        people = [make_world(session, name=name, now=NOW) for name in ("ada", "ben", "cy")]
    monkeypatch.setattr(ahead, "roll", partial(ahead.roll, limit=2))
    hold_clock(NOW + timedelta(days=2))

    upkeep.roll()
    upkeep.roll()

    with world() as session:
        days = [[dose["key_date"].day for dose in doses_of(session, each.reminder_id)] for each in people]
    assert days == [[3, 4, 5, 6, 7]] * 3


def test_what_was_committed_behind_the_cursor_is_told_and_closed(
    world: Worlds, broker: Broker, hold_clock: Any
) -> None:
    with world.begin() as session:
        ada = make_world(session, grace_minutes=10, now=NOW - timedelta(hours=1))
        make_channel(session, ada.who, now=NOW)
        session.execute(text("UPDATE shards SET claimed_due_at = :past, closed_closes_at = :past"), {"past": AHEAD})
    hold_clock(NOW + timedelta(minutes=4))
    with broker.hearing() as calls:
        upkeep.sweep_gaps()
        assert calls.has_heard(ada.who.person.shard)
    with world() as session:
        [row] = bell(session, ada.who)
        assert (row["kind"], row["created_at"]) == ("due", NOW + timedelta(minutes=4))
        assert len(waiting(session, ada.who)) == 1
    assert broker.queued("send") == [("pillio.send", [])]

    hold_clock(NOW + timedelta(minutes=10))
    upkeep.sweep_gaps()
    with world() as session:
        assert standing(session, row["dose_id"]) is not None


def test_without_a_gap_nobody_is_called(world: Worlds, broker: Broker, hold_clock: Any) -> None:
    hold_clock(NOW)
    upkeep.sweep_gaps()
    assert broker.names() == set()


def test_a_prescription_that_runs_out_is_told_in_the_bell_and_by_mail(
    world: Worlds, broker: Broker, post: Mailbox, hold_clock: Any
) -> None:
    with world.begin() as session:
        ada = make_person(session, now=NOW - timedelta(days=20))
        make_channel(session, ada, now=NOW)
        fields = {"doctor_name": "Dr. Who", "prescription_date": date(2026, 2, 1), "valid_until": date(2026, 3, 10)}
        authoring.create(session, ada, fields=fields, lines=[LINE], now=NOW - timedelta(days=20))
    nine = NOW + timedelta(hours=1)  # 09:00 in Riga, seven days before
    hold_clock(nine - timedelta(seconds=1))
    upkeep.watch_expiries()
    with world() as session:
        before = len(bell(session, ada))

    hold_clock(nine)
    upkeep.watch_expiries()
    upkeep.watch_expiries()

    with world() as session:
        assert [row["data"]["days_left"] for row in bell(session, ada)[before:]] == [7]
    assert broker.queued("send")[0] == ("pillio.send", [])
    sending.send()
    assert post.letters[-1].text == "Your prescription from Dr. Who expires in 7 days"
    assert len(post.letters) == before + 1


def test_more_prescriptions_than_a_batch_are_all_told(
    world: Worlds, broker: Broker, hold_clock: Any, monkeypatch: Any
) -> None:
    with world.begin() as session:
        ada = make_person(session, now=NOW - timedelta(days=60))
        for number in range(5):
            fields = {"doctor_name": f"Dr. {number}", "prescription_date": date(2026, 1, 1), "valid_until": END}
            authoring.create(session, ada, fields=fields, lines=[LINE], now=NOW - timedelta(days=60))
    monkeypatch.setattr(upkeep, "BATCH", 2)
    hold_clock(NOW + timedelta(hours=1))
    upkeep.watch_expiries()
    with world() as session:
        assert len(bell(session, ada)) == 5


def test_tidying_makes_partitions_and_forgets_pulses_and_answers_nobody_asks_for(
    world: Worlds, broker: Broker, db_engine: Engine, hold_clock: Any
) -> None:
    old = NOW - timedelta(days=2, seconds=1)
    with world.begin() as session:
        ada = make_person(session, now=old)
        for at in (old, NOW):
            beat.record(session, at=at, source=beat.BEAT, now=at)
            replay.once(session, ada, key=f"{at}", fingerprint="x", within=None, now=at, call=dict)
    hold_clock(NOW)
    try:
        upkeep.tidy()
        upkeep.tidy()
        with world() as session:
            assert session.scalars(select(Pulse.slot_at)).all() == [NOW]
            assert session.scalar(select(func.count()).select_from(AnsweredRequest)) == 1
            assert session.scalar(text("SELECT to_regclass('doses_20260303')::text")) == "doses_20260303"
    finally:
        drop_all(db_engine)
