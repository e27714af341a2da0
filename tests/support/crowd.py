"""Many people at once, made in bulk: each with a medicine, a reminder and, some of them, a confirmed address.

What is made here is as the engine would have made it, except that nobody has stock and no horizon is rolled: the
doses are those a test plans.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from engine import partitions
from engine.db import run
from engine.doses.identity import PUBLIC_ID_SQL
from engine.notifications.addresses import seal
from engine.tables import shard_of
from tests.support.sweeps import wind_back

_RULE = (
    '{"version": 1, "kind": "times", "tzid": "UTC", "zone_mode": "home", "start_date": "2026-01-01",'
    ' "times": [{"at": "08:00", "slot": 1440, "amount": "1"}]}'
)
_EVERYBODY = "FROM unnest(CAST(:ids AS bigint[]), CAST(:shards AS smallint[])) p(i, shard)"
_PEOPLE = (
    "INSERT INTO users (id, shard, email, email_key, time_zone, time_zone_is_assumed, created_at, updated_at)"
    " OVERRIDING SYSTEM VALUE SELECT i, shard, 'p' || i || '@example.com', 'p' || i || '@example.com', 'UTC', false,"
    f" :now, :now {_EVERYBODY}",
    "INSERT INTO medicines (id, user_id, name, name_key, dosage, form, unit, created_at, updated_at) OVERRIDING SYSTEM"
    f" VALUE SELECT i, i, 'Metformin', 'metformin', '500 mg', 'tablet', 'tablets', :now, :now {_EVERYBODY}",
    "INSERT INTO stocks (medicine_id, user_id, on_hand, min_stock_alert, seq, updated_at)"
    f" SELECT i, i, 0, 0, 0, :now {_EVERYBODY}",
    "INSERT INTO reminders (id, user_id, shard, medicine_id, version, is_active, created_at, updated_at)"
    f" OVERRIDING SYSTEM VALUE SELECT i, i, shard, i, 1, true, :now, :now {_EVERYBODY}",
    "INSERT INTO reminder_versions (user_id, reminder_id, version, rule, dosage_amount, dosage_unit, recorded_at,"
    f" recorded_by) SELECT i, i, 1, CAST(:rule AS jsonb), '1', 'tablet', :now, i {_EVERYBODY}",
)
_CHANNELS = (
    "INSERT INTO channels (user_id, kind, address, label, is_enabled, confirmed_at, created_at) SELECT i, 'email',"
    " sealed, 'p…@example.com', true, :now, :now"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:sealed AS bytea[])) c(i, sealed)"
)
_DOSES = (
    "INSERT INTO doses (reminder_id, key_date, slot, segment, id, user_id, medicine_id, shard, rule_version, due_at,"
    " closes_at, planned_local, time_zone, amount, planned_at)"
    f" SELECT r.id, key_date, :slot, 0, {PUBLIC_ID_SQL}, r.user_id, r.medicine_id, r.shard, 1, :due_at, :closes_at,"
    " :planned_local, 'UTC', 1, :planned_at"
    " FROM reminders r, (SELECT CAST(:key_date AS date) AS key_date) day WHERE r.id = ANY(:ids)"
)


@dataclass(frozen=True)
class Crowd:
    """Their numbers are those of their users, medicines and reminders alike."""

    ids: list[int]
    reachable: list[int]


def gather(engine: Engine, n: int, *, addresses: int = 0, first: int = 100_001, now: datetime) -> Crowd:
    """`n` people, the first `addresses` of whom have a confirmed address; sweeps have got as far as a day ago."""
    run(engine, partial(partitions.make_ahead, now=now))
    ids = list(range(first, first + n))
    values = {"ids": ids, "shards": [shard_of(each) for each in ids], "now": now - timedelta(days=1), "rule": _RULE}
    with engine.begin() as connection:
        for statement in _PEOPLE:
            connection.execute(text(statement), values)
        sealed = [seal({"to": f"p{each}@example.com"}) for each in ids[:addresses]]
        connection.execute(text(_CHANNELS), {"ids": ids[:addresses], "sealed": sealed, "now": values["now"]})
    with Session(engine) as session, session.begin():
        wind_back(session, to=now - timedelta(days=1))
    return Crowd(ids, ids[:addresses])


def plan(
    engine: Engine, crowd: list[int], due_at: datetime, *, window: timedelta = timedelta(hours=4), slot: int = 1440,
    planned_ahead: timedelta = timedelta(hours=12),
) -> None:  # fmt: skip
    """A dose for each of these people at that instant, planned long before it."""
    values = {
        "ids": crowd,
        "slot": slot,
        "due_at": due_at,
        "closes_at": due_at + window,
        "planned_local": due_at.astimezone(UTC).replace(tzinfo=None),
        "planned_at": due_at - planned_ahead,
        "key_date": due_at.astimezone(UTC).date(),
    }
    with engine.begin() as connection:
        connection.execute(text(_DOSES), values)
