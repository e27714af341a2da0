"""A person's medicines: what they are called, come as and are counted in. Stock is `inventory`'s business.

Promises one medicine per name, whatever its case and spacing, among those not hidden. Hiding frees the name and
keeps the row, because history refers to it: `shelf` shows what a person has, `ever_known` what they ever had.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, Subquery, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Conflict, NotFound
from engine.medicines.models import Medicine

FIELDS = ("name", "generic_name", "dosage", "form", "unit", "notes")
OPTIONAL = frozenset({"generic_name", "notes"})
_SHOWN = (
    Medicine.id,
    Medicine.user_id,
    Medicine.name,
    Medicine.name_key,
    Medicine.generic_name,
    Medicine.dosage,
    Medicine.form,
    Medicine.unit,
    Medicine.notes,
    Medicine.created_at,
    Medicine.updated_at,
)


def _mine() -> Select[*tuple[Any, ...]]:
    return select(*_SHOWN).where(
        Medicine.user_id == bindparam("user_id"),
        Medicine.id == bindparam("medicine_id"),
        Medicine.deleted_at.is_(None),
    )


_ONE = _mine()
_ONE_LOCKED = _mine().with_for_update(key_share=True)  # lets the ledger's foreign keys through
_KNOWN = select(Medicine.id, Medicine.deleted_at.is_not(None)).where(
    Medicine.user_id == bindparam("user_id"), Medicine.id.in_(bindparam("ids", expanding=True))
)
_ADD = (
    insert(Medicine)
    .on_conflict_do_nothing(
        index_elements=[Medicine.user_id, Medicine.name_key], index_where=Medicine.deleted_at.is_(None)
    )
    .returning(Medicine.id)
)
_TAKEN = ("medicine_name_taken", "You already have a medicine with this name.")
_MISSING = ("medicine_not_found", "There is no such medicine.")


def shelf() -> Subquery:
    """The medicines people have now: what lists, forms and reminders may show."""
    return select(*_SHOWN).where(Medicine.deleted_at.is_(None)).subquery("shelf")


def ever_known() -> Subquery:
    """All medicines, hidden ones included: what history is read with. `is_hidden` tells them apart."""
    return select(*_SHOWN, Medicine.deleted_at.is_not(None).label("is_hidden")).subquery("medicines_ever_known")


def key_of(name: str) -> str:
    """What makes two spellings of a name one medicine. Folded here only: PostgreSQL folds differently."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def pattern_of(search: str) -> str:
    """For LIKE: anything containing what was typed, taken literally."""
    literal = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


def add(session: Session, who: Who, *, fields: Mapping[str, Any], now: datetime) -> int:
    """Put a medicine on the shelf; returns its id. Raises Conflict if the name is taken."""
    values = {name: fields.get(name) for name in FIELDS}
    values |= {
        "user_id": who.person.id,
        "name_key": key_of(fields["name"]),
        "created_at": now,
        "updated_at": now,
    }
    medicine_id = session.execute(_ADD, values).scalar_one_or_none()
    if medicine_id is None:
        raise Conflict(*_TAKEN)
    return medicine_id


def require(session: Session, who: Who, medicine_id: int) -> RowMapping:
    """One medicine of this person. Raises NotFound."""
    values = {"user_id": who.person.id, "medicine_id": medicine_id}
    return _found(session.execute(_ONE, values).mappings().one_or_none())


def hold(session: Session, who: Who, medicine_id: int) -> RowMapping:
    """`require`, and two edits at once follow one another."""
    values = {"user_id": who.person.id, "medicine_id": medicine_id}
    return _found(session.execute(_ONE_LOCKED, values).mappings().one_or_none())


def _found(row: RowMapping | None) -> RowMapping:
    if row is None:
        raise NotFound(*_MISSING)
    return row


def edit(session: Session, who: Who, medicine_id: int, *, changes: Mapping[str, Any], now: datetime) -> None:
    """Change these fields, leave the others. Raises Conflict if the new name is taken, NotFound."""
    values = {name: changes[name] for name in FIELDS if name in changes}
    if "name" in values:
        values["name_key"] = key_of(values["name"])
    statement = (
        update(Medicine)
        .where(Medicine.user_id == who.person.id, Medicine.id == medicine_id, Medicine.deleted_at.is_(None))
        .values(**values, updated_at=now)
        .returning(Medicine.id)
    )
    try:
        with session.begin_nested():  # the caller's transaction survives a name that is taken
            found = session.execute(statement).scalar_one_or_none()
    except IntegrityError:
        raise Conflict(*_TAKEN) from None
    if found is None:
        raise NotFound(*_MISSING)


def hide(session: Session, who: Who, medicine_id: int, *, now: datetime) -> None:
    """Off the shelf, the name free again. Its rows stay. Raises NotFound, also the second time."""
    statement = (
        update(Medicine)
        .where(Medicine.user_id == who.person.id, Medicine.id == medicine_id, Medicine.deleted_at.is_(None))
        .values(deleted_at=now, updated_at=now)
        .returning(Medicine.id)
    )
    if session.execute(statement).scalar_one_or_none() is None:
        raise NotFound(*_MISSING)


def are_hidden(session: Session, who: Who, medicine_ids: Iterable[int]) -> dict[int, bool]:
    """Of these ids, the ones that are this person's, and whether each is hidden. Strangers' are absent."""
    ids = sorted(set(medicine_ids))
    if not ids:
        return {}
    rows = session.execute(_KNOWN, {"user_id": who.person.id, "ids": ids})
    return {row[0]: row[1] for row in rows}
