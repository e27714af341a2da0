"""Occurrences become rows, a few days ahead, idempotently.

The roll inserts what is new and touches nothing else. An edit re-plans one rule: what is due already keeps
its row and its version; what lies ahead is moved, made or withdrawn by identity, so a dose is never doubled.
Anything later than the horizon is computed from the rule when somebody looks.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from engine.doses.identity import PUBLIC_ID_SQL
from engine.reminders.plans import Plan
from schedules import Occurrence, expand_with_windows, to_local

HORIZON = timedelta(days=3)
WINDOW_MAX = timedelta(hours=24)  # no window is longer: a slot older than this is closed whatever its rule
DUE_ALREADY = timedelta(seconds=5)  # a dose this near belongs to the claim, not to an edit


_DAY = attrgetter("occurrence.key_date")

Identity = tuple[date, int, int]  # key_date, slot, segment; of one reminder


class Planned(NamedTuple):  # no dataclass: there are a hundred thousand of them, and this is built faster
    """One dose to have a row for."""

    plan: Plan
    occurrence: Occurrence
    closes_at: datetime

    @property
    def identity(self) -> Identity:
        return (self.occurrence.key_date, self.occurrence.slot, self.occurrence.segment)


_COLUMNS = (
    ("reminder_id", "bigint"),
    ("user_id", "bigint"),
    ("medicine_id", "bigint"),
    ("shard", "smallint"),
    ("rule_version", "int"),
    ("key_date", "date"),
    ("slot", "smallint"),
    ("segment", "smallint"),
    ("due_at", "timestamptz"),
    ("closes_at", "timestamptz"),
    ("planned_local", "timestamp"),
    ("time_zone", "text"),
    ("amount", "numeric"),
    ("adjusted", "text"),
)
NAMES = ", ".join(name for name, _ in _COLUMNS)
_ARRAYS = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS)
FROM_ARRAYS = f"SELECT {NAMES}, {PUBLIC_ID_SQL}, :planned_at FROM unnest({_ARRAYS}) AS given({NAMES})"
_INSERT = text(f"INSERT INTO doses ({NAMES}, id, planned_at) {FROM_ARRAYS} ON CONFLICT DO NOTHING")
_MOVED = ("rule_version", "due_at", "closes_at", "planned_local", "time_zone", "amount", "adjusted")
_UPSERT = text(
    f"INSERT INTO doses AS d ({NAMES}, id, planned_at) {FROM_ARRAYS}"
    " ON CONFLICT (reminder_id, key_date, slot, segment) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_MOVED, "planned_at"))
    + " WHERE d.due_at > :due_already RETURNING 1"
)
_AHEAD = text(
    "SELECT d.key_date, d.slot, d.segment, d.due_at, EXISTS ("
    "  SELECT FROM reminder_logs l WHERE l.reminder_id = d.reminder_id AND l.key_date = d.key_date"
    "  AND l.slot = d.slot AND l.segment = d.segment AND l.superseded_at IS NULL AND l.status <> 'open') AS is_settled"
    " FROM doses d WHERE d.reminder_id = :reminder_id AND d.key_date >= :since"
)
_SETTLED = text(
    "SELECT key_date, slot, segment FROM reminder_logs WHERE reminder_id = :reminder_id AND key_date >= :since"
    " AND superseded_at IS NULL AND status <> 'open'"
)
_WITHDRAW = text(
    "DELETE FROM doses d USING"
    " unnest(CAST(:key_date AS date[]), CAST(:slot AS smallint[]), CAST(:segment AS smallint[]))"
    " AS gone(key_date, slot, segment) WHERE d.reminder_id = :reminder_id AND d.key_date = gone.key_date"
    " AND d.slot = gone.slot AND d.segment = gone.segment AND d.due_at > :due_already"
)


def ahead(plan: Plan, *, since: datetime, until: datetime, now: datetime) -> list[Planned]:
    """Pure: the doses of one rule due in [since, until) whose window has not closed by `now`."""
    return [
        Planned(plan, dose.occurrence, dose.closes_at)
        for dose in expand_with_windows(plan.rule, since, until, plan.grace_minutes)
        if dose.closes_at > now
    ]


def materialise(session: Session, planned: Sequence[Planned], *, now: datetime) -> int:
    """Insert rows for these doses, those that exist already excepted; returns how many are new."""
    if not planned:
        return 0
    inserted = session.execute(_INSERT, arrays(planned, now))
    assert isinstance(inserted, CursorResult)
    return inserted.rowcount


def replan(session: Session, plan: Plan, *, now: datetime) -> int:
    """Re-derive the future of one rule after it was saved; returns how many doses were made or moved.

    A slot of today whose window is still open is due now; of days before, nothing is planned any more. One that was
    answered or closed, or is due already, stays what it is. The caller holds the reminder's row.
    """
    today = to_local(plan.rule.tzid, now).date()
    wanted = ahead(plan, since=now - WINDOW_MAX, until=now + HORIZON, now=now)
    settled = _settled(session, plan, now)
    wanted = [dose for dose in wanted if dose.occurrence.key_date >= today and dose.identity not in settled]
    _withdraw(session, plan.reminder_id, {dose.identity for dose in wanted}, now)
    values = arrays(wanted, now) | {"due_already": now + DUE_ALREADY}
    return len(session.execute(_UPSERT, values).all())


def withdraw(session: Session, reminder_id: int, *, now: datetime) -> None:
    """No dose of this rule lies ahead any more. What is due already stays."""
    _withdraw(session, reminder_id, set(), now)


def _settled(session: Session, plan: Plan, now: datetime) -> set[Identity]:
    since = {"reminder_id": plan.reminder_id, "since": (now - 2 * WINDOW_MAX).date()}
    return {(row.key_date, row.slot, row.segment) for row in session.execute(_SETTLED, since)}


def _withdraw(session: Session, reminder_id: int, wanted: set[Identity], now: datetime) -> None:
    since = {"reminder_id": reminder_id, "since": (now - 2 * WINDOW_MAX).date()}
    gone = [
        row
        for row in session.execute(_AHEAD, since)
        if row.due_at > now + DUE_ALREADY and not row.is_settled and (row.key_date, row.slot, row.segment) not in wanted
    ]
    if gone:
        values = {
            "reminder_id": reminder_id,
            "due_already": now + DUE_ALREADY,
            "key_date": [row.key_date for row in gone],
            "slot": [row.slot for row in gone],
            "segment": [row.segment for row in gone],
        }
        session.execute(_WITHDRAW, values)


def arrays(planned: Iterable[Planned], now: datetime) -> dict[str, object]:
    """The bind values of `FROM_ARRAYS`: one array a column, written as PostgreSQL reads it.

    Day by day, so that the rows of one partition arrive together.
    """
    doses = sorted(planned, key=_DAY)
    plans = {plan.reminder_id: plan for plan, _, _ in doses}
    of_plan = {reminder_id: _of_plan(plan) for reminder_id, plan in plans.items()}
    columns = [
        *zip(*[of_plan[plan.reminder_id] for plan, _, _ in doses], strict=True),
        *zip(*[_of_dose(dose, closes_at) for _, dose, closes_at in doses], strict=True),
    ] or [()] * len(_COLUMNS)
    values: dict[str, object] = {"planned_at": now}
    return values | {name: f"{{{','.join(column)}}}" for (name, _), column in zip(_COLUMNS, columns, strict=True)}


def _of_plan(plan: Plan) -> tuple[str, ...]:
    """What all doses of one rule have in common; numbers only, so that nothing must be quoted."""
    return (str(plan.reminder_id), str(plan.user_id), str(plan.medicine_id), str(plan.shard), str(plan.version))


@lru_cache(maxsize=8192)
def _of_dose(dose: Occurrence, closes_at: datetime) -> tuple[str, ...]:
    """What the doses of many people have in common. Neither a zone's name nor a mark needs quotes."""
    return (
        dose.key_date.isoformat(),
        str(dose.slot),
        str(dose.segment),
        dose.at.isoformat(),
        closes_at.isoformat(),
        dose.local.isoformat(),
        dose.tzid,
        str(dose.amount),
        dose.adjusted or "NULL",
    )
