"""Prescriptions and their lines, as the form writes them and the list shows them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Invalid, NotFound
from engine.medicines import catalogue
from engine.prescriptions import authoring, linking
from tests.support.medicines import make_medicine
from tests.support.people import make_person

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
FORM: dict[str, Any] = {
    "doctor_name": "Dr. Ozola",
    "hospital_clinic": "Riga East",
    "prescription_date": date(2026, 11, 1),
    "valid_until": date(2027, 11, 1),
    "notes": "after meals",
}
LINE = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Twice daily", "duration_days": 30}


def prescribe(session: Session, who: Who, *lines: dict[str, Any], **fields: object) -> dict[str, Any]:
    return authoring.create(session, who, fields=FORM | fields, lines=lines or (LINE,), now=NOW)


def edit(
    session: Session,
    who: Who,
    one: int,
    *,
    lines: list[dict[str, Any]] | None = None,
    is_put: bool = True,
    **given: Any,
) -> dict[str, Any]:
    return authoring.edit(session, who, one, given=given, lines=lines, is_put=is_put, now=NOW + timedelta(hours=1))


def found(session: Session, who: Who, **wanted: Any) -> list[str]:
    rows, total = authoring.listing(session, who, page=1, per_page=20, now=NOW, **wanted)
    assert total == len(rows)
    return [row["doctor_name"] for row in rows]


def test_a_prescription_comes_back_as_it_was_written(session: Session) -> None:
    ada = make_person(session, now=NOW)
    medicine_id = make_medicine(session, ada, now=NOW)
    made = prescribe(session, ada, LINE | {"medicine_id": medicine_id, "instructions": ""})
    (line,) = made.pop("prescription_medicines")
    assert line == LINE | {"id": line["id"], "medicine_id": medicine_id, "instructions": ""}
    assert made == FORM | {
        "id": made["id"],
        "is_active": True,
        "is_expired": False,
        "days_until_expiry": 342,
        "created_at": NOW,
        "updated_at": NOW,
    }


def test_a_prescription_needs_a_medicine(session: Session) -> None:
    ada = make_person(session, now=NOW)
    with pytest.raises(Invalid):
        authoring.create(session, ada, fields=FORM, lines=[], now=NOW)
    made = prescribe(session, ada)
    with pytest.raises(Invalid):
        edit(session, ada, made["id"], lines=[])


def test_lines_keep_their_order_and_their_ids_through_an_edit(session: Session) -> None:
    ada = make_person(session, now=NOW)
    names = ("a", "b", "c")
    made = prescribe(session, ada, *(LINE | {"medicine_name": name} for name in names))
    a, b, c = made["prescription_medicines"]
    new = LINE | {"medicine_name": "d"}
    after = edit(session, ada, made["id"], lines=[c | {"frequency": "Once daily"}, new, a], **FORM)
    lines = after["prescription_medicines"]
    assert [line["medicine_name"] for line in lines] == ["c", "d", "a"]
    assert [lines[0]["id"], lines[2]["id"]] == [c["id"], a["id"]]
    assert lines[0]["frequency"] == "Once daily"
    assert lines[1]["id"] not in {a["id"], b["id"], c["id"]}


def test_a_line_sent_twice_or_from_another_prescription_becomes_a_new_line(session: Session) -> None:
    ada = make_person(session, now=NOW)
    one, other = prescribe(session, ada), prescribe(session, ada)
    (mine,), (theirs,) = one["prescription_medicines"], other["prescription_medicines"]
    after = edit(session, ada, one["id"], lines=[mine, mine, theirs], **FORM)
    ids = [line["id"] for line in after["prescription_medicines"]]
    assert ids[0] == mine["id"]
    assert len(set(ids)) == 3
    assert theirs["id"] not in ids
    assert authoring.get(session, ada, other["id"], now=NOW)["prescription_medicines"] == [theirs]


def test_put_clears_what_the_old_form_leaves_out_and_patch_keeps_it(session: Session) -> None:
    ada = make_person(session, now=NOW)
    made = prescribe(session, ada)
    patched = edit(session, ada, made["id"], is_put=False, doctor_name="Dr. Liepa")
    assert patched["notes"] == FORM["notes"]
    emptied = edit(session, ada, made["id"], is_put=True, doctor_name="Dr. Liepa")
    cleared = {name: emptied[name] for name in ("hospital_clinic", "valid_until", "notes")}
    assert cleared == {"hospital_clinic": None, "valid_until": None, "notes": None}
    assert (emptied["days_until_expiry"], emptied["prescription_date"]) == (-1, FORM["prescription_date"])


def test_a_line_may_not_name_a_strangers_medicine(session: Session) -> None:
    ada, bob = make_person(session, now=NOW), make_person(session, name="bob", now=NOW)
    line = LINE | {"medicine_id": make_medicine(session, ada, now=NOW)}
    with pytest.raises(NotFound):
        prescribe(session, bob, line)


def test_a_line_forgets_a_medicine_that_was_hidden(session: Session) -> None:
    ada = make_person(session, now=NOW)
    medicine_id = make_medicine(session, ada, now=NOW)
    made = prescribe(session, ada, LINE | {"medicine_id": medicine_id})
    catalogue.hide(session, ada, medicine_id, now=NOW)
    (line,) = authoring.get(session, ada, made["id"], now=NOW)["prescription_medicines"]
    assert line["medicine_id"] is None
    after = edit(session, ada, made["id"], lines=[line | {"medicine_id": medicine_id}], **FORM)
    assert after["prescription_medicines"][0]["medicine_id"] is None


def test_a_strangers_prescription_does_not_exist(session: Session) -> None:
    ada, bob = make_person(session, now=NOW), make_person(session, name="bob", now=NOW)
    one = prescribe(session, ada)["id"]
    with pytest.raises(NotFound):
        authoring.get(session, bob, one, now=NOW)
    with pytest.raises(NotFound):
        edit(session, bob, one, notes="mine now")
    with pytest.raises(NotFound):
        authoring.remove(session, bob, one, now=NOW)
    assert found(session, bob) == []


def test_a_removed_prescription_is_gone(session: Session) -> None:
    ada = make_person(session, now=NOW)
    one = prescribe(session, ada)["id"]
    authoring.remove(session, ada, one, now=NOW)
    assert found(session, ada) == []
    for again in (authoring.get, authoring.remove):
        with pytest.raises(NotFound):
            again(session, ada, one, now=NOW)


def test_the_list_is_newest_first_and_can_be_narrowed(session: Session) -> None:
    ada = make_person(session, now=NOW)
    prescribe(session, ada, doctor_name="old", prescription_date=date(2026, 1, 1), valid_until=date(2026, 11, 23))
    prescribe(session, ada, doctor_name="today", prescription_date=date(2026, 2, 1), valid_until=TODAY)
    prescribe(session, ada, doctor_name="endless", prescription_date=date(2026, 3, 1), valid_until=None)
    prescribe(session, ada, doctor_name="away", prescription_date=date(2026, 4, 1), is_active=False)
    assert found(session, ada) == ["away", "endless", "today", "old"]
    assert found(session, ada, is_expired=True) == ["old"]
    assert found(session, ada, is_expired=False) == ["away", "endless", "today"]
    assert found(session, ada, is_active=True) == ["endless", "today", "old"]
    assert found(session, ada, is_active=False) == ["away"]
    rows, total = authoring.listing(session, ada, page=2, per_page=3, now=NOW)
    assert ([row["doctor_name"] for row in rows], total) == (["old"], 4)


def test_expired_is_judged_by_the_persons_own_day(session: Session) -> None:
    tokyo = make_person(session, time_zone="Asia/Tokyo", now=NOW)
    late = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # half past midnight in Tokyo
    made = prescribe(session, tokyo, valid_until=TODAY)
    assert not made["is_expired"]
    shown = authoring.get(session, tokyo, made["id"], now=late)
    assert (shown["is_expired"], shown["days_until_expiry"]) == (True, -1)


@pytest.mark.parametrize(("search", "names"), [("ozo", 1), ("RIGA", 1), ("%", 0), ("_", 0), ("meals", 0), ("", 1)])
def test_search_looks_into_doctors_and_clinics_literally(session: Session, search: str, names: int) -> None:
    ada = make_person(session, now=NOW)
    prescribe(session, ada)
    assert len(found(session, ada, search=search)) == names


def test_what_is_ordered_but_not_on_the_shelf_is_missing_once(session: Session) -> None:
    ada = make_person(session, now=NOW)
    on_shelf = make_medicine(session, ada, name="Aspirin", now=NOW)
    prescribe(session, ada, LINE, {**LINE, "medicine_name": "Aspirin", "medicine_id": on_shelf})
    newest = prescribe(session, ada, LINE | {"medicine_name": "METFORMIN"})
    prescribe(session, ada, LINE | {"medicine_name": "put away"}, is_active=False)
    (row,) = linking.missing(session, ada)
    assert (row["medicine_name"], row["prescriptions_count"]) == ("METFORMIN", 2)
    assert row["id"] == newest["prescription_medicines"][0]["id"]


def test_adding_a_missing_medicine_links_every_line_that_orders_it(session: Session) -> None:
    ada, bob = make_person(session, now=NOW), make_person(session, name="bob", now=NOW)
    one, other = prescribe(session, ada), prescribe(session, ada, LINE | {"medicine_name": "METFORMIN"})
    different = prescribe(session, ada, LINE | {"dosage": "850 mg"})
    prescribe(session, bob)
    medicine_id = make_medicine(session, ada, now=NOW)
    line_id = one["prescription_medicines"][0]["id"]
    with pytest.raises(NotFound):
        linking.link(session, bob, line_id, make_medicine(session, bob, now=NOW))
    assert linking.link(session, ada, line_id, medicine_id) == 2
    linked = [
        authoring.get(session, ada, made["id"], now=NOW)["prescription_medicines"][0]["medicine_id"]
        for made in (one, other, different)
    ]
    assert linked == [medicine_id, medicine_id, None]
    assert len(linking.missing(session, bob)) == 1
