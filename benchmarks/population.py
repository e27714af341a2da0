"""People for benchmarks, made in bulk: each with a medicine, a reminder, a confirmed channel and one dose."""

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine, text

from engine import partitions
from engine.db import run
from engine.doses.identity import PUBLIC_ID_SQL
from engine.notifications.addresses import seal

# engine.tables.shard_of, in SQL
SHARD_SQL = "div(mod({0}::numeric * 11400714819323198485, 18446744073709551616), 288230376151711744)::smallint"
USERS = (
    "INSERT INTO users (id, shard, email, email_key, time_zone, time_zone_is_assumed, created_at, updated_at)"
    f" OVERRIDING SYSTEM VALUE SELECT i, {SHARD_SQL.format('i')}, 'p' || i || '@example.com',"
    " 'p' || i || '@example.com', 'UTC', false, :now, :now FROM generate_series(1, :n) i"
)
_CHANNELS = (
    "INSERT INTO channels (user_id, kind, address, label, is_enabled, confirmed_at, created_at)"
    " SELECT i, 'email', :address, 'p…@example.com', true, :now, :now FROM generate_series(1, :n) i"
)
_MEDICINES = (
    "INSERT INTO medicines (id, user_id, name, name_key, dosage, form, unit, created_at, updated_at)"
    " OVERRIDING SYSTEM VALUE SELECT i, i, 'Metformin', 'metformin', '500 mg', 'tablet', 'tablets', :now, :now"
    " FROM generate_series(1, :n) i"
)
_STOCKS = (
    "INSERT INTO stocks (medicine_id, user_id, on_hand, min_stock_alert, seq, updated_at)"
    " SELECT i, i, 100, 5, 0, :now FROM generate_series(1, :n) i"
)
_REMINDERS = (
    "INSERT INTO reminders (id, user_id, shard, medicine_id, version, is_active, created_at, updated_at)"
    f" OVERRIDING SYSTEM VALUE SELECT i, i, {SHARD_SQL.format('i')}, i, 1, true, :now, :now"
    " FROM generate_series(1, :n) i"
)
_VERSIONS = (
    "INSERT INTO reminder_versions"
    " (user_id, reminder_id, version, rule, dosage_amount, dosage_unit, recorded_at, recorded_by)"
    " SELECT i, i, 1, CAST(:rule AS jsonb), '1', 'tablet', :now, i FROM generate_series(1, :n) i"
)
_DOSES = (
    "INSERT INTO doses (reminder_id, key_date, slot, segment, id, user_id, medicine_id, shard, rule_version, due_at,"
    " closes_at, planned_local, time_zone, amount, planned_at)"
    f" SELECT reminder_id, key_date, 1440, 0, {PUBLIC_ID_SQL}, reminder_id, reminder_id,"
    f" {SHARD_SQL.format('reminder_id')}, 1, :due_at, :closes_at, :planned_local, 'UTC', 1, :now"
    " FROM (SELECT i AS reminder_id, CAST(:key_date AS date) AS key_date FROM generate_series(1, :n) i) planned"
)
_RULE = (
    '{"version": 1, "kind": "times", "tzid": "UTC", "zone_mode": "home", "start_date": "2026-01-01",'
    ' "times": [{"at": "08:00", "slot": 1440, "amount": "1"}]}'
)
_TABLES = (USERS, _CHANNELS, _MEDICINES, _STOCKS, _REMINDERS, _VERSIONS)


def fill(engine: Engine, n: int, *, now: datetime) -> None:
    """`n` people, each with all that a dose needs, and no dose yet."""
    run(engine, partial(partitions.make_ahead, now=now))
    values = {"n": n, "now": now, "address": seal({"to": "p@example.com"}), "rule": _RULE}
    with engine.begin() as connection:
        for statement in _TABLES:
            connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def plan_doses(engine: Engine, n: int, due_at: datetime, *, now: datetime) -> None:
    """One dose for each of the first `n` people, all due at one instant."""
    values = {
        "n": n,
        "now": now,
        "due_at": due_at,
        "closes_at": due_at + timedelta(hours=4),
        "planned_local": due_at.astimezone(UTC).replace(tzinfo=None),
        "key_date": due_at.date(),
    }
    with engine.begin() as connection:
        connection.execute(text(_DOSES), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE doses"))
        connection.execute(text("CHECKPOINT"))
