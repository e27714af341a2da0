"""Read doses: a person's day, their history, any range of rows. Wall-clock times are the planned ones, without zone.

Days are planned local dates: a dose taken at 00:20 for the 23:30 slot belongs to yesterday.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.doses.identity import key_date_of
from engine.doses.lookup import EARLY, OF_PERSON
from engine.doses.states import INFERRED, Status, shown
from engine.errors import NotFound

# What a dose and its outcome look like to a reader; `d` is the row, `l` the current outcome, each maybe absent. An open
# outcome without a row is no dose: its rule was changed after somebody had answered early and taken that back.
_WORDS = (
    " JOIN medicines m ON m.id = x.medicine_id AND m.user_id = x.user_id"
    " JOIN reminders r ON r.id = x.reminder_id AND r.user_id = x.user_id AND r.deleted_at IS NULL"
    " JOIN reminder_versions v ON v.reminder_id = x.reminder_id AND v.version = x.rule_version"
)
_SHOWN = "x.*, m.name AS medicine_name, m.dosage AS medicine_dosage, v.dosage_amount, v.dosage_unit"
_ROWS = (
    "SELECT d.id, d.reminder_id, d.key_date, d.slot, d.segment, d.user_id, d.medicine_id, d.rule_version, d.due_at,"
    " d.closes_at, d.planned_local, d.time_zone, d.amount, d.adjusted, l.status, coalesce(l.revision, 0) AS revision,"
    " l.taken_at, l.recorded_at, l.recorded_by, l.source, l.reason, l.notes FROM doses d"
    " LEFT JOIN reminder_logs l ON l.reminder_id = d.reminder_id AND l.key_date = d.key_date AND l.slot = d.slot"
    " AND l.segment = d.segment AND l.superseded_at IS NULL"
    f" WHERE d.key_date BETWEEN :since AND :until AND {OF_PERSON}"
)
_LOGS = (
    "SELECT l.dose_id AS id, l.reminder_id, l.key_date, l.slot, l.segment, l.user_id, l.medicine_id, l.rule_version,"
    " l.due_at, l.closes_at, l.planned_local, l.time_zone, l.amount, NULL AS adjusted, l.status, l.revision,"
    " l.taken_at, l.recorded_at, l.recorded_by, l.source, l.reason, l.notes FROM reminder_logs l"
    " WHERE l.user_id = :user_id AND l.key_date BETWEEN :since AND :until AND l.superseded_at IS NULL"
    " AND l.reminder_id IS NOT NULL AND l.status <> 'open' AND NOT EXISTS (SELECT FROM doses d"
    " WHERE d.reminder_id = l.reminder_id AND d.key_date = l.key_date AND d.slot = l.slot AND d.segment = l.segment)"
)
_DAY = text(f"SELECT {_SHOWN} FROM ({_ROWS}) x{_WORDS} ORDER BY x.due_at, x.id")
_STATUS = (
    "CASE WHEN x.status IS NULL OR x.status = 'open' THEN CASE WHEN x.due_at > :now THEN 'scheduled' ELSE 'due' END"
    " ELSE x.status END"
)
_RANGE = text(
    f"SELECT {_SHOWN}, count(*) OVER () AS total FROM ({_ROWS} UNION ALL {_LOGS}) x{_WORDS}"
    f" WHERE coalesce(x.status, '') <> 'cancelled' AND (CAST(:status AS text) IS NULL OR {_STATUS} = :status)"
    " ORDER BY x.due_at, x.id LIMIT :limit OFFSET :offset"
)
_ONE = text(f"SELECT {_SHOWN} FROM ({_ROWS} AND d.id = :dose_id UNION ALL {_LOGS} AND l.dose_id = :dose_id) x{_WORDS}")
_HISTORY = text(
    "SELECT l.id, l.dose_id, l.reminder_id, l.medicine_id, m.name AS medicine_name, v.dosage_amount, v.dosage_unit,"
    " l.amount, l.planned_local, l.time_zone, l.due_at, l.taken_at, l.recorded_at, l.status, l.reason, l.notes,"
    " count(*) OVER () AS total"
    " FROM reminder_logs l JOIN medicines m ON m.id = l.medicine_id AND m.user_id = l.user_id"
    " JOIN reminders r ON r.id = l.reminder_id AND r.user_id = l.user_id AND r.deleted_at IS NULL"
    " JOIN reminder_versions v ON v.reminder_id = l.reminder_id AND v.version = l.rule_version"
    " WHERE l.user_id = :user_id AND l.key_date BETWEEN :since AND :until AND l.superseded_at IS NULL"
    " AND l.status = ANY(:statuses) ORDER BY l.due_at DESC, l.id DESC LIMIT :limit OFFSET :offset"
)
TOLD_TO_THE_OLD_CLIENT = ("taken", "skipped", "missed")
USUAL_RANGE = timedelta(days=30)


def today(session: Session, who: Who, *, now: datetime) -> list[dict[str, Any]]:
    """The person's local day in all states, with yesterday's still open windows, as the old client shows it."""
    local = who.person.local_date(now)
    rows = _day(session, who, local - timedelta(days=1), local + timedelta(days=1))
    doses = [row for row in rows if _is_todays(row, local, now)]
    counts = [row["reminder_id"] for row in doses]
    return [_today_view(row, rows, counts.count(row["reminder_id"]) == 1, now) for row in doses]


def history(
    session: Session, who: Who, *, start_date: date | None = None, end_date: date | None = None,
    status: str | None, page: int, per_page: int, now: datetime,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """Closed doses, newest first; of the last thirty days if no range is given."""
    since, until = _local_range(who.person.local_date(now), now.astimezone(UTC).date(), start_date, end_date)
    values = {
        "user_id": who.person.id,
        "since": since,
        "until": until,
        "statuses": [status] if status in TOLD_TO_THE_OLD_CLIENT else list(TOLD_TO_THE_OLD_CLIENT),
    }
    rows, total = _page(session, _HISTORY, values, page, per_page)
    return [_history_view(row) for row in rows], total


def doses(
    session: Session, who: Who, *, start: date, end: date, status: str | None, page: int, per_page: int, now: datetime
) -> tuple[list[dict[str, Any]], int]:
    """Doses planned for the local dates [start, end], oldest first: open ones and every outcome but cancelled."""
    values = {"user_id": who.person.id, "since": start, "until": end, "status": status, "now": now}
    rows, total = _page(session, _RANGE, values, page, per_page)
    return [_view(row, now) for row in rows], total


def one(session: Session, who: Who, dose_id: int, *, now: datetime) -> dict[str, Any]:
    """One dose by its public id. Raises NotFound."""
    day = key_date_of(dose_id)
    values = {"user_id": who.person.id, "since": day, "until": day, "dose_id": dose_id}
    row = session.execute(_ONE, values).mappings().one_or_none()
    if row is None:
        raise NotFound("dose_not_found", "There is no such dose.")
    return _view(row, now)


def dosage_words(amount: str | None, unit: str) -> str:
    """ "1/2 tablet", or nothing where no amount was said ("As prescribed")."""
    return f"{amount} {unit}".strip() if amount else ""


def _day(session: Session, who: Who, since: date, until: date) -> list[RowMapping]:
    rows = session.execute(_DAY, {"user_id": who.person.id, "since": since, "until": until})
    return list(rows.mappings())


def _page(
    session: Session, statement: TextClause, values: dict[str, Any], page: int, per_page: int
) -> tuple[Sequence[RowMapping], int]:
    """One page of rows, and how many there are; the latter also where this page lies beyond the last."""
    bounds = {"limit": per_page, "offset": (page - 1) * per_page}
    rows = session.execute(statement, values | bounds).mappings().all()
    if not rows and page > 1:
        return rows, _page(session, statement, values, 1, 1)[1]
    return rows, rows[0]["total"] if rows else 0


def _local_range(local: date, utc: date, start: date | None, end: date | None) -> tuple[date, date]:
    """The old client reckons in UTC dates: a bound on today's UTC date means the person's today."""
    until = local if end is None else max(end, local) if end == utc else end
    since = until - USUAL_RANGE if start is None else min(start, local) if start == utc else start
    return since, until


def _is_todays(row: RowMapping, local: date, now: datetime) -> bool:
    """Planned for the person's day; or of another, but its window is open."""
    if row["status"] == Status.CANCELLED:
        return False
    is_open = row["status"] in (None, Status.OPEN) and row["due_at"] <= now < row["closes_at"]
    return bool(row["key_date"] == local or is_open)


def _today_view(row: RowMapping, rows: list[RowMapping], is_only: bool, now: datetime) -> dict[str, Any]:
    status = shown(Status(row["status"]) if row["status"] else None, row["due_at"], now)
    return {
        "id": row["reminder_id"] if is_only else row["id"],
        "reminder_id": row["reminder_id"],
        "dose_id": row["id"],
        "medicine_id": row["medicine_id"],
        "medicineName": row["medicine_name"],
        "dosage": dosage_words(row["dosage_amount"], row["dosage_unit"]),
        "time": row["planned_local"].isoformat(),
        "due_at": row["due_at"],
        "closes_at": row["closes_at"],
        "taken_at": row["taken_at"],
        "status": "upcoming" if status == "scheduled" else status,
        "is_pending": _is_pending(row, rows, status, now),
    }


def _is_pending(row: RowMapping, rows: list[RowMapping], status: str, now: datetime) -> bool:
    """May the old client still offer Take? While due; and after a miss, until the next dose of the reminder opens.

    `rows` reach into tomorrow, whose first dose may open before midnight.
    """
    if status == "due":
        return True
    if status not in INFERRED:
        return False
    later = [
        other["due_at"] - row["due_at"]
        for other in rows
        if other["reminder_id"] == row["reminder_id"] and other["due_at"] > row["due_at"]
    ]
    return not later or now < row["due_at"] + min(later) - min(EARLY, min(later) / 2)


def _view(row: RowMapping, now: datetime) -> dict[str, Any]:
    kept = (
        "id", "reminder_id", "medicine_id", "medicine_name", "due_at", "closes_at", "time_zone", "amount", "adjusted",
        "revision", "taken_at", "recorded_at", "recorded_by", "source", "reason", "notes",
    )  # fmt: skip
    return {
        **{name: row[name] for name in kept},
        "planned_on": row["key_date"],
        "scheduled_time": row["planned_local"].isoformat(),
        "dosage": dosage_words(row["dosage_amount"], row["dosage_unit"]),
        "unit": row["dosage_unit"],
        "status": shown(Status(row["status"]) if row["status"] else None, row["due_at"], now),
    }


def _history_view(row: RowMapping) -> dict[str, Any]:
    kept = ("id", "dose_id", "reminder_id", "medicine_id", "medicine_name", "due_at", "status", "reason", "notes")
    return {
        **{name: row[name] for name in kept},
        "dosage": dosage_words(row["dosage_amount"], row["dosage_unit"]),
        "scheduled_time": row["planned_local"].isoformat(),
        "taken_time": row["taken_at"],
        "recorded_at": row["recorded_at"],
    }
