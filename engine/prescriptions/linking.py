"""Lines that name no medicine of the person's yet: what was ordered but is not on the shelf.

Lines of one name and strength, in whatever case, are one missing medicine; adding it links them all.
"""

from collections.abc import Sequence

from sqlalchemy import RowMapping, bindparam, func, select, update
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import NotFound
from engine.medicines.catalogue import require, shelf
from engine.prescriptions.models import Prescription, PrescriptionLine

_SHELF = shelf()
_MEDICINE_KEY = (func.lower(PrescriptionLine.medicine_name), func.lower(PrescriptionLine.dosage))
_UNLINKED = (
    select(
        PrescriptionLine.id,
        PrescriptionLine.medicine_name,
        PrescriptionLine.dosage,
        PrescriptionLine.frequency,
        PrescriptionLine.duration_days,
        PrescriptionLine.instructions,
        func.count().over(partition_by=_MEDICINE_KEY).label("prescriptions_count"),
        func.row_number().over(partition_by=_MEDICINE_KEY, order_by=PrescriptionLine.id.desc()).label("rank"),
    )
    .join(
        Prescription,
        (Prescription.id == PrescriptionLine.prescription_id) & (Prescription.user_id == PrescriptionLine.user_id),
    )
    .outerjoin(_SHELF, (_SHELF.c.id == PrescriptionLine.medicine_id) & (_SHELF.c.user_id == PrescriptionLine.user_id))
    .where(
        PrescriptionLine.user_id == bindparam("user_id"),
        _SHELF.c.id.is_(None),
        Prescription.is_active.is_(True),
        Prescription.deleted_at.is_(None),
    )
    .subquery()
)
_MISSING = (
    select(*(column for column in _UNLINKED.c if column.name != "rank"))
    .where(_UNLINKED.c.rank == 1)
    .order_by(func.lower(_UNLINKED.c.medicine_name), _UNLINKED.c.id)
)
_NAMED = select(func.lower(PrescriptionLine.medicine_name), func.lower(PrescriptionLine.dosage)).where(
    PrescriptionLine.user_id == bindparam("user_id"), PrescriptionLine.id == bindparam("line_id")
)


def missing(session: Session, who: Who) -> Sequence[RowMapping]:
    """What active prescriptions order and the shelf lacks, one row per name and strength, its newest line's."""
    return session.execute(_MISSING, {"user_id": who.person.id}).mappings().all()


def link(session: Session, who: Who, line_id: int, medicine_id: int) -> int:
    """Let this line and all that order the same name this medicine; returns how many. Raises NotFound."""
    require(session, who, medicine_id)
    named = session.execute(_NAMED, {"user_id": who.person.id, "line_id": line_id}).one_or_none()
    if named is None:
        raise NotFound("prescription_line_not_found", "There is no such line in your prescriptions.")
    on_shelf = select(_SHELF.c.id).where(_SHELF.c.user_id == who.person.id)
    statement = (
        update(PrescriptionLine)
        .where(
            PrescriptionLine.user_id == who.person.id,
            func.lower(PrescriptionLine.medicine_name) == named[0],
            func.lower(PrescriptionLine.dosage) == named[1],
            PrescriptionLine.medicine_id.is_(None) | PrescriptionLine.medicine_id.not_in(on_shelf),
        )
        .values(medicine_id=medicine_id)
        .returning(PrescriptionLine.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.execute(statement).all())
