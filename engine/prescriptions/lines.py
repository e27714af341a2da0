"""The lines of prescriptions: replaced as a list, in the order they were sent.

A line keeps its id while it is edited, because others point at it. It may name one of the person's medicines;
one that was hidden since is forgotten, a stranger's is NotFound.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import NotFound
from engine.medicines.catalogue import are_hidden, shelf
from engine.prescriptions.models import PrescriptionLine

FIELDS = ("medicine_name", "dosage", "frequency", "duration_days", "instructions")
_SHELF = shelf()
_OF = (
    select(
        PrescriptionLine.id,
        PrescriptionLine.prescription_id,
        _SHELF.c.id.label("medicine_id"),
        PrescriptionLine.medicine_name,
        PrescriptionLine.dosage,
        PrescriptionLine.frequency,
        PrescriptionLine.duration_days,
        PrescriptionLine.instructions,
    )
    .outerjoin(_SHELF, (_SHELF.c.id == PrescriptionLine.medicine_id) & (_SHELF.c.user_id == PrescriptionLine.user_id))
    .where(
        PrescriptionLine.user_id == bindparam("user_id"),
        PrescriptionLine.prescription_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(PrescriptionLine.prescription_id, PrescriptionLine.position, PrescriptionLine.id)
)
_KEPT = select(PrescriptionLine.id).where(
    PrescriptionLine.user_id == bindparam("user_id"), PrescriptionLine.prescription_id == bindparam("prescription_id")
)
_REPLACE = (
    update(PrescriptionLine)
    .where(PrescriptionLine.user_id == bindparam("of_user"), PrescriptionLine.id == bindparam("line_id"))
    .values({name: bindparam(f"new_{name}") for name in (*FIELDS, "medicine_id", "position")})
    .execution_options(synchronize_session=False)
)


def of(session: Session, who: Who, prescription_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The lines of each of these prescriptions, in order; one without lines has an empty list."""
    found: dict[int, list[dict[str, Any]]] = {one: [] for one in prescription_ids}
    if found:
        for row in session.execute(_OF, {"user_id": who.person.id, "ids": list(found)}).mappings():
            line = dict(row)
            found[line.pop("prescription_id")].append(line)
    return found


def replace(session: Session, who: Who, prescription_id: int, lines: Iterable[Mapping[str, Any]]) -> None:
    """These are the lines now. The caller holds the prescription's row."""
    wanted = list(lines)
    hidden = _medicines(session, who, wanted)
    keep = set(session.scalars(_KEPT, {"user_id": who.person.id, "prescription_id": prescription_id}))
    kept: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    gone = set(keep)
    for position, line in enumerate(wanted):
        values = {name: line.get(name) for name in FIELDS} | {"position": position}
        medicine_id = line.get("medicine_id")
        values["medicine_id"] = None if medicine_id is None or hidden[medicine_id] else medicine_id
        if line.get("id") in gone:
            gone.discard(line["id"])
            kept.append({f"new_{name}": value for name, value in values.items()} | {"line_id": line["id"]})
        else:
            new.append(values)
    _write(session, who, prescription_id, gone, kept, new)


def _write(
    session: Session,
    who: Who,
    prescription_id: int,
    gone: set[int],
    kept: list[dict[str, Any]],
    new: list[dict[str, Any]],
) -> None:
    if gone:
        mine = PrescriptionLine.user_id == who.person.id
        session.execute(delete(PrescriptionLine).where(mine, PrescriptionLine.id.in_(gone)))
    if kept:
        session.connection().execute(_REPLACE, [values | {"of_user": who.person.id} for values in kept])
    if new:
        owner = {"user_id": who.person.id, "prescription_id": prescription_id}
        session.execute(insert(PrescriptionLine), [values | owner for values in new])


def _medicines(session: Session, who: Who, lines: list[Mapping[str, Any]]) -> dict[int, bool]:
    named = {line["medicine_id"] for line in lines if line.get("medicine_id") is not None}
    hidden = are_hidden(session, who, named)
    if named - hidden.keys():
        raise NotFound("medicine_not_found", "There is no such medicine.")
    return hidden
