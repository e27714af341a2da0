"""Claim what is due: once, in time, whoever asks and however often."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from engine.dispatch import due, regimen, shards
from engine.dispatch.due import Claimed
from engine.notifications import inbox
from tests.support.reminders import (
    World,
    bell,
    dose_on,
    doses_of,
    give_address,
    make_reminder,
    make_world,
    outbox,
    standing,
)
from tests.support.sweeps import sweep, sweep_gaps, wind_back
from tests.support.together import all_at_once

TODAY = date(2026, 11, 24)
EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # 07:00 in Riga


def riga(hour: int, minute: int = 0, second: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC) - timedelta(hours=2)


def cursor(session: Session, world: World) -> tuple[datetime, int]:
    lease = shards.lease(session, world.who.person.shard)
    assert lease is not None
    return lease.claimed_due_at, lease.claimed_id


def committed_behind_the_cursor(session: Session, world: World, *, at: datetime) -> None:
    """As if the doses had been committed when the sweep had got as far as `at` already."""
    session.execute(
        text("UPDATE shards SET claimed_due_at = :at, closed_closes_at = :at WHERE shard = :shard"),
        {"at": at, "shard": world.who.person.shard},
    )


# --- the cursor -----------------------------------------------------------------------------------------------------


def test_a_dose_is_told_at_its_instant_and_not_before(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    dose = dose_on(session, ada.reminder_id, TODAY)
    assert sweep(session, now=riga(7, 59, 59)).told == 0
    assert sweep(session, now=riga(8)).told == 1
    (row,) = bell(session, ada.who)
    assert (row["kind"], row["subject_id"], row["dose_id"]) == ("due", ada.reminder_id, dose["id"])
    assert (row["due_at"], row["planned_local"], row["created_at"]) == (
        riga(8),
        datetime.fromisoformat("2026-11-24T08:00"),
        riga(8),
    )
    assert (row["medicine_id"], row["rule_version"], row["read_at"]) == (ada.medicine_id, 1, None)


def test_sweeping_again_tells_nobody_again(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    assert sweep(session, now=riga(8)).told == 0
    wind_back(session, to=EARLY)  # as after a crash before the commit: the batch is repeated
    assert sweep(session, now=riga(8, 1)).told == 0
    assert len(bell(session, ada.who)) == 1


def test_the_cursor_moves_with_what_was_seen_and_a_full_batch_goes_on_where_it_ended(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    for at in ("08:00", "08:01", "08:02"):
        make_reminder(session, ada.who, ada.medicine_id, at=at, now=EARLY)
    seen: list[Claimed] = []
    while not seen or seen[-1].seen:
        lease = shards.lease(session, ada.who.person.shard)
        assert lease is not None
        seen.append(due.claim(session, lease, now=riga(8, 30), limit=3))
    assert [(each.seen, each.told) for each in seen] == [(3, 3), (1, 1), (0, 0)]
    last = max(bell(session, ada.who), key=lambda row: row["due_at"])
    assert cursor(session, ada) == (riga(8, 2), last["dose_id"])


def test_doses_of_one_instant_are_told_in_turn_of_their_ids_across_batches(session: Session) -> None:
    ada = make_world(session, at="08:00", now=EARLY)
    for _ in range(4):
        make_reminder(session, ada.who, ada.medicine_id, at="08:00", now=EARLY)
    for _ in range(3):
        lease = shards.lease(session, ada.who.person.shard)
        assert lease is not None
        due.claim(session, lease, now=riga(8), limit=2)
    assert len(bell(session, ada.who)) == 5


def test_a_closed_window_passes_without_a_word(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    assert sweep(session, now=riga(12)).told == 0
    assert cursor(session, ada)[0] == riga(8)
    assert bell(session, ada.who) == []


def test_a_notification_that_was_deleted_stays_the_claim(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    inbox.delete_all(session, ada.who, now=riga(8, 1))
    wind_back(session, to=EARLY)
    assert sweep(session, now=riga(8, 2)).told == 0
    assert sweep_gaps(session, ada.who, now=riga(8, 3)).told == 0


def test_a_shard_has_work_from_the_instant_of_its_next_dose_until_that_is_done(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    mine = [ada.who.person.shard]
    assert shards.busy(session, until=riga(7, 59, 59)) == []
    assert shards.busy(session, until=riga(8)) == mine
    sweep(session, now=riga(8))
    assert shards.busy(session, until=riga(11, 59)) == []
    assert shards.busy(session, until=riga(12)) == mine
    sweep(session, now=riga(12))
    assert shards.busy(session, until=riga(12)) == []


# --- outside the app ------------------------------------------------------------------------------------------------


def test_a_message_is_queued_for_each_address_that_may_be_used(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    first, second = give_address(session, ada.who, now=EARLY), give_address(session, ada.who, now=EARLY)
    off, worn_out = give_address(session, ada.who, now=EARLY), give_address(session, ada.who, now=EARLY)
    session.execute(text("UPDATE channels SET is_enabled = false WHERE id = :id"), {"id": off})
    session.execute(
        text("UPDATE channels SET confirmed_at = NULL, usable_until_at = :now WHERE id = :id"),
        {"id": worn_out, "now": riga(8)},
    )
    assert sweep(session, now=riga(8)).queued == 2
    (row,) = bell(session, ada.who)
    assert sorted(each["channel_id"] for each in outbox(session, ada.who)) == [first, second]
    assert {(each["notification_id"], each["step"], each["ready_at"]) for each in outbox(session, ada.who)} == {
        (row["id"], 0, riga(8))
    }


# --- the ways round the cursor --------------------------------------------------------------------------------------


def test_a_reminder_saved_when_its_dose_is_due_is_told_in_the_same_call(session: Session) -> None:
    ada = make_world(session, at="08:00", now=riga(8, 0, 30))
    assert [row["created_at"] for row in bell(session, ada.who)] == [riga(8, 0, 30)]


@pytest.mark.parametrize(("now", "told"), [(riga(7, 59, 54), 0), (riga(7, 59, 55), 1)])
def test_a_reminder_saved_within_five_seconds_of_its_dose_is_told_in_the_same_call(
    session: Session, now: datetime, told: int
) -> None:
    ada = make_world(session, at="08:00", now=now)
    assert len(bell(session, ada.who)) == told
    assert sweep(session, now=riga(8)).told == 1 - told


def test_a_dose_committed_behind_the_cursor_is_found_by_the_gap_sweep(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    committed_behind_the_cursor(session, ada, at=riga(8, 0, 1))
    assert sweep(session, now=riga(8, 0, 5)).told == 0
    assert sweep_gaps(session, ada.who, now=riga(8, 0, 30)).told == 1
    assert sweep_gaps(session, ada.who, now=riga(8, 1)).told == 0


def test_the_gap_sweep_looks_a_quarter_of_an_hour_back(session: Session) -> None:
    ada, ben = make_world(session, now=EARLY), make_world(session, name="ben", now=EARLY)
    assert sweep_gaps(session, ada.who, now=riga(8, 15, 1)).told == 0
    assert sweep_gaps(session, ben.who, now=riga(8, 15)).told == 1


def test_twenty_ways_of_claiming_at_once_tell_a_dose_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_world(session, now=EARLY)
        for _ in range(9):
            make_reminder(session, ada.who, ada.medicine_id, at="08:00", now=EARLY)
    ways = iter(["sweep", "gaps", "inline", "sweep"] * 5)

    def claim(session: Session) -> int:
        match next(ways):
            case "sweep":
                return sweep(session, now=riga(8)).told
            case "gaps":
                return sweep_gaps(session, ada.who, now=riga(8)).told
        return due.claim_inline(session, ada.reminder_id, now=riga(8)).told

    got: list[Any] = all_at_once(committed, claim, times=20)
    with committed() as session:
        assert len(bell(session, ada.who)) == 10
    assert sum(got) == 10


def test_a_shard_somebody_sweeps_is_left_alone(committed: sessionmaker[Session]) -> None:
    with committed() as one, committed() as other:
        assert shards.lease(one, 7) is not None
        assert shards.lease(other, 7) is None
        assert shards.lease(other, 8) is not None
        one.rollback()  # as when its holder dies
        assert shards.lease(other, 7) is not None


# --- silence --------------------------------------------------------------------------------------------------------


def test_nothing_is_told_of_a_deleted_reminder(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    regimen.remove_reminder(session, ada.who, ada.reminder_id, now=riga(7, 59, 58))  # too near to be withdrawn
    dose = dose_on(session, ada.reminder_id, TODAY)
    assert standing(session, dose["id"]) == "cancelled"
    assert sweep(session, now=riga(8)).told == 0
    assert sweep_gaps(session, ada.who, now=riga(8, 1)).told == 0
    assert sweep(session, now=riga(12)).missed == 0
    assert bell(session, ada.who) == []


def test_a_switched_off_reminder_is_neither_told_nor_missed(session: Session) -> None:
    ada = make_world(session, now=EARLY)
    sweep(session, now=riga(8))
    regimen.edit_reminder(session, ada.who, ada.reminder_id, given={"is_active": False}, is_put=False, now=riga(9))
    assert len(doses_of(session, ada.reminder_id)) == 1
    assert sweep(session, now=riga(12)).missed == 0
    assert sweep(session, now=riga(8, day=25)).told == 0
    (row,) = bell(session, ada.who)
    assert (row["kind"], row["read_at"]) == ("due", riga(9))
