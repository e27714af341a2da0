"""Write and read prescriptions. Whether one has expired is judged by the person's own day.

An edit that changes until when it is valid, or makes it active again, decides anew whether to tell at once (see
`expiry`); one that changes other things tells nobody a second time. Deleting hides.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Invalid, NotFound
from engine.events import log
from engine.medicines.catalogue import pattern_of
from engine.prescriptions import expiry, lines
from engine.prescriptions.models import Prescription

FIELDS = ("doctor_name", "hospital_clinic", "prescription_date", "valid_until", "notes", "is_active")
OPTIONAL = frozenset({"hospital_clinic", "valid_until", "notes"})
CLEARED_BY_LEAVING_OUT = ("hospital_clinic", "valid_until", "notes")
WITHOUT_END = -1  # what the old client expects for "days until expiry" when there is none


def _mine() -> Select[*tuple[Any, ...]]:
    return select(
        Prescription.id,
        Prescription.doctor_name,
        Prescription.hospital_clinic,
        Prescription.prescription_date,
        Prescription.valid_until,
        Prescription.notes,
        Prescription.is_active,
        Prescription.created_at,
        Prescription.updated_at,
    ).where(Prescription.user_id == bindparam("of_user"), Prescription.deleted_at.is_(None))


_ALL = _mine().order_by(Prescription.prescription_date.desc(), Prescription.id.desc())
_ONE = _mine().where(Prescription.id == bindparam("prescription_id"))
_ONE_LOCKED = _ONE.with_for_update(key_share=True)
_TOTAL = (
    select(func.count())
    .select_from(Prescription)
    .where(Prescription.user_id == bindparam("of_user"), Prescription.deleted_at.is_(None))
)


def create(
    session: Session,
    who: Who,
    *,
    fields: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """A prescription with its lines. Raises Invalid without a line, NotFound for a stranger's medicine."""
    _require_lines(lines)
    values = {name: fields.get(name) for name in FIELDS}
    values["is_active"] = values["is_active"] is not False  # the old client does not send it
    values |= {"user_id": who.person.id, "created_at": now, "updated_at": now}
    prescription_id = session.execute(insert(Prescription).returning(Prescription.id), values).scalar_one()
    _replace_lines(session, who, prescription_id, lines)
    _plan_notice(session, who, prescription_id, values, now=now)
    return get(session, who, prescription_id, now=now)


def edit(
    session: Session,
    who: Who,
    prescription_id: int,
    *,
    given: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]] | None,
    is_put: bool,
    now: datetime,
) -> dict[str, Any]:
    """Save an edit. PUT clears what the old form leaves out; `lines`, unless None, replace all there were."""
    before = _one(session, who, prescription_id, _ONE_LOCKED)
    changes = _changes(before, given, is_put=is_put)
    if lines is not None:
        _require_lines(lines)
        _replace_lines(session, who, prescription_id, lines)
    _save(session, who, prescription_id, {**changes, "updated_at": now})
    if "valid_until" in changes or "is_active" in changes:
        _plan_notice(session, who, prescription_id, dict(before) | changes, now=now)
    return get(session, who, prescription_id, now=now)


def remove(session: Session, who: Who, prescription_id: int, *, now: datetime) -> None:
    """Gone from every list, and no more notices. Raises NotFound, also the second time."""
    _one(session, who, prescription_id, _ONE_LOCKED)
    _save(session, who, prescription_id, {"deleted_at": now, "next_notice_at": None, "updated_at": now})


def get(session: Session, who: Who, prescription_id: int, *, now: datetime) -> dict[str, Any]:
    """One prescription with its lines. Raises NotFound."""
    row = _one(session, who, prescription_id, _ONE)
    return _views(session, who, [row], now)[0]


def listing(
    session: Session,
    who: Who,
    *,
    search: str | None = None,
    is_active: bool | None = None,
    is_expired: bool | None = None,
    page: int,
    per_page: int,
    now: datetime,
) -> tuple[list[dict[str, Any]], int]:
    """One page, the newest first, and how many there are. The search looks into doctors and clinics."""
    wanted = list(_matching(search, is_active, is_expired, who.person.local_date(now)))
    mine = {"of_user": who.person.id}
    page_of = _ALL.where(*wanted).limit(per_page).offset((page - 1) * per_page)
    rows = session.execute(page_of, mine).mappings().all()
    return _views(session, who, rows, now), session.execute(_TOTAL.where(*wanted), mine).scalar_one()


def _matching(
    search: str | None, is_active: bool | None, is_expired: bool | None, today: date
) -> Iterable[ColumnElement[bool]]:
    if search and search.strip():
        pattern = pattern_of(search)
        yield or_(Prescription.doctor_name.ilike(pattern), Prescription.hospital_clinic.ilike(pattern))
    if is_active is not None:
        yield Prescription.is_active.is_(is_active)
    if is_expired is True:
        yield Prescription.valid_until < today
    if is_expired is False:
        yield or_(Prescription.valid_until.is_(None), Prescription.valid_until >= today)


def _views(session: Session, who: Who, rows: Sequence[RowMapping], now: datetime) -> list[dict[str, Any]]:
    today = who.person.local_date(now)
    found = lines.of(session, who, [row["id"] for row in rows])
    return [
        dict(row) | _validity(row["valid_until"], today) | {"prescription_medicines": found[row["id"]]} for row in rows
    ]


def _validity(valid_until: date | None, today: date) -> dict[str, Any]:
    if valid_until is None:
        return {"is_expired": False, "days_until_expiry": WITHOUT_END}
    return {"is_expired": valid_until < today, "days_until_expiry": (valid_until - today).days}


def _changes(before: RowMapping, given: Mapping[str, Any], *, is_put: bool) -> dict[str, Any]:
    """The fields that say something new. Null clears an optional field and means nothing for the others."""
    sent = {name: given[name] for name in FIELDS if name in given}
    if is_put:
        sent = dict.fromkeys(CLEARED_BY_LEAVING_OUT) | sent
    return {
        name: value for name, value in sent.items() if value != before[name] and (value is not None or name in OPTIONAL)
    }


def _plan_notice(session: Session, who: Who, prescription_id: int, fields: Mapping[str, Any], *, now: datetime) -> None:
    """Tell at once what is inside a threshold already, and plan the next notice."""
    next_at = None
    if fields["is_active"] and fields["valid_until"] is not None:
        notice = expiry.at_once(fields["valid_until"], who.person.time_zone, now)
        next_at = notice.next_at
        log.append(
            session, expiry.told(who.person.id, prescription_id, fields["valid_until"], notice, now=now), now=now
        )
    _save(session, who, prescription_id, {"next_notice_at": next_at})


def _save(session: Session, who: Who, prescription_id: int, values: Mapping[str, Any]) -> None:
    mine = (Prescription.user_id == who.person.id, Prescription.id == prescription_id)
    session.execute(update(Prescription).where(*mine).values(**values).execution_options(synchronize_session=False))


def _one(session: Session, who: Who, prescription_id: int, statement: Select[*tuple[Any, ...]]) -> RowMapping:
    values = {"of_user": who.person.id, "prescription_id": prescription_id}
    row = session.execute(statement, values).mappings().one_or_none()
    if row is None:
        raise NotFound("prescription_not_found", "There is no such prescription.")
    return row


def _require_lines(given: Sequence[Mapping[str, Any]]) -> None:
    if not given:
        raise Invalid("prescription_without_medicine", "A prescription needs at least one medicine.")


_replace_lines = lines.replace
