"""Read the ledger: a person's entries, newest first, also of medicines since hidden.

Dates are days of the person's own calendar. The old client sends UTC dates; a bound on today's UTC date therefore
means the person's today.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, RowMapping, bindparam, func, select
from sqlalchemy.orm import Session

from engine.accounts.access import Person, Who
from engine.inventory.models import StockEntry
from engine.medicines.catalogue import ever_known

_MEDICINES = ever_known()
_ENTRIES = (
    select(
        StockEntry.id,
        StockEntry.medicine_id,
        _MEDICINES.c.name.label("medicine_name"),
        StockEntry.change_amount,
        StockEntry.change_type,
        StockEntry.previous_stock,
        StockEntry.new_stock,
        StockEntry.shortfall,
        StockEntry.notes,
        StockEntry.dose_id,
        StockEntry.reverses_id,
        StockEntry.recorded_at.label("created_at"),
        StockEntry.occurred_at,
    )
    .join(_MEDICINES, (_MEDICINES.c.id == StockEntry.medicine_id) & (_MEDICINES.c.user_id == StockEntry.user_id))
    .order_by(StockEntry.recorded_at.desc(), StockEntry.id.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)
_TOTAL = select(func.count()).select_from(StockEntry)


def history(
    session: Session,
    who: Who,
    *,
    page: int,
    per_page: int,
    start_date: date | None = None,
    end_date: date | None = None,
    change_type: str | None = None,
    medicine_id: int | None = None,
    now: datetime,
) -> tuple[Sequence[RowMapping], int]:
    """One page of entries, and how many there are."""
    wanted: list[ColumnElement[bool]] = [StockEntry.user_id == who.person.id]
    since, until = span(who.person, start_date, end_date, now=now)
    if since is not None:
        wanted.append(StockEntry.recorded_at >= since)
    if until is not None:
        wanted.append(StockEntry.recorded_at < until)
    if change_type is not None:
        wanted.append(StockEntry.change_type == change_type)
    if medicine_id is not None:
        wanted.append(StockEntry.medicine_id == medicine_id)
    bounds = {"limit": per_page, "offset": (page - 1) * per_page}
    rows = session.execute(_ENTRIES.where(*wanted), bounds).mappings().all()
    return rows, session.execute(_TOTAL.where(*wanted)).scalar_one()


def span(
    person: Person, start_date: date | None, end_date: date | None, *, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Pure: the instants at which a range of the person's days begins, and has ended."""
    utc, local = now.astimezone(UTC).date(), person.local_date(now)
    start_date = min(utc, local) if start_date == utc else start_date
    end_date = max(utc, local) if end_date == utc else end_date
    since = None if start_date is None else _midnight(person, start_date)
    until = None if end_date is None or end_date == date.max else _midnight(person, end_date + timedelta(days=1))
    return since, until


def _midnight(person: Person, day: date) -> datetime:
    """In UTC, so that comparing costs no zone; the ends of the calendar have no UTC and are left as they are."""
    local = datetime.combine(day, time.min, ZoneInfo(person.time_zone))
    return local.astimezone(UTC) if date.min < day < date.max else local.replace(tzinfo=UTC)
