"""My medicines: names with stock, as the list and the form know them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.errors import Conflict, NotFound
from engine.inventory import cabinet, ledger
from engine.medicines import catalogue
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.together import all_at_once

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
FORM: dict[str, Any] = {
    "name": "Metformin",
    "generic_name": "metformin hydrochloride",
    "dosage": "500 mg",
    "form": "tablet",
    "unit": "tablets",
    "current_stock": Decimal(30),
    "min_stock_alert": Decimal(5),
}


def take_one(session: Session, who: Who, medicine_id: int, now: datetime) -> None:
    ledger.post(
        session,
        who.person.id,
        medicine_id,
        change=Decimal(-1),
        change_type="consumed",
        occurred_at=now,
        recorded_by=who.actor_id,
        local_date=date(2026, 11, 24),
        now=now,
    )


def put(session: Session, who: Who, medicine_id: int, now: datetime = MORNING, **given: Any) -> dict[str, Any]:
    return cabinet.edit_medicine(session, who, medicine_id, given=FORM | given, is_put=True, now=now)


def test_an_added_medicine_comes_back_with_its_stock(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    added = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)
    assert added == FORM | {
        "id": added["id"],
        "notes": None,
        "is_low_stock": False,
        "stock_level": "good",
        "created_at": MORNING,
        "updated_at": MORNING,
    }


def test_stock_and_alert_level_have_the_defaults_people_know(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    fields = {name: FORM[name] for name in ("name", "dosage", "form", "unit")}
    added = cabinet.add_medicine(session, ada, fields=fields, now=MORNING)
    assert (added["current_stock"], added["min_stock_alert"], added["stock_level"]) == (0, 5, "critical")


@pytest.mark.parametrize("name", ["Metformin", "metformin", "  METFORMIN ", "Ｍetformin"])
def test_one_name_is_one_medicine_however_it_is_spelt(session: Session, name: str) -> None:
    ada = make_person(session, now=MORNING)
    make_medicine(session, ada, name="Metformin", now=MORNING)
    with pytest.raises(Conflict) as refused:
        make_medicine(session, ada, name=name, now=MORNING)
    assert refused.value.code == "medicine_name_taken"


def test_two_people_may_each_have_a_medicine_of_one_name(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    assert make_medicine(session, ada, now=MORNING) != make_medicine(session, bob, now=MORNING)


def test_of_twenty_who_add_one_name_at_once_one_succeeds(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
    answers = all_at_once(committed, lambda session: make_medicine(session, ada, now=MORNING))
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19
    with committed() as session:
        assert cabinet.list_medicines(session, ada, search=None, page=1, per_page=10)[1] == 1


def test_put_clears_the_generic_name_that_the_form_left_out(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM | {"notes": "with food"}, now=MORNING)["id"]
    given = {name: value for name, value in FORM.items() if name != "generic_name"}
    edited = cabinet.edit_medicine(session, ada, medicine_id, given=given, is_put=True, now=MORNING)
    assert (edited["generic_name"], edited["notes"]) == (None, "with food")


def test_patch_keeps_what_is_not_given(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    later = MORNING + timedelta(hours=1)
    edited = cabinet.edit_medicine(session, ada, medicine_id, given={"unit": "pieces"}, is_put=False, now=later)
    assert (edited["generic_name"], edited["unit"]) == (FORM["generic_name"], "pieces")
    assert (edited["created_at"], edited["updated_at"]) == (MORNING, later)


def test_a_form_opened_before_a_dose_does_not_undo_it(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    take_one(session, ada, medicine_id, MORNING + timedelta(hours=1))
    edited = put(session, ada, medicine_id, MORNING + timedelta(hours=2), dosage="850 mg")
    assert (edited["dosage"], edited["current_stock"]) == ("850 mg", 29)


def test_stock_alone_changed_is_a_count(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    take_one(session, ada, medicine_id, MORNING + timedelta(hours=1))
    edited = put(session, ada, medicine_id, MORNING + timedelta(hours=2), current_stock=Decimal(30))
    assert edited["current_stock"] == 30


def test_a_figure_older_than_a_day_is_believed(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    take_one(session, ada, medicine_id, MORNING + timedelta(hours=1))
    edited = put(session, ada, medicine_id, MORNING + timedelta(hours=26), dosage="850 mg")
    assert edited["current_stock"] == 30


def test_saving_a_form_unchanged_changes_nothing(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    added = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)
    assert put(session, ada, added["id"], MORNING + timedelta(hours=1)) == added


def test_a_medicine_cannot_take_the_name_of_another(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    make_medicine(session, ada, name="Aspirin", now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    with pytest.raises(Conflict):
        put(session, ada, medicine_id, name="ASPIRIN")
    assert cabinet.get_medicine(session, ada, medicine_id)["name"] == "Metformin"


def test_a_medicine_may_change_the_spelling_of_its_own_name(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = cabinet.add_medicine(session, ada, fields=FORM, now=MORNING)["id"]
    assert put(session, ada, medicine_id, name="METFORMIN")["name"] == "METFORMIN"


def test_a_hidden_medicine_is_gone_and_its_name_is_free(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    catalogue.hide(session, ada, medicine_id, now=MORNING)
    with pytest.raises(NotFound):
        cabinet.get_medicine(session, ada, medicine_id)
    with pytest.raises(NotFound):
        put(session, ada, medicine_id)
    assert cabinet.list_medicines(session, ada, search=None, page=1, per_page=10) == ([], 0)
    assert make_medicine(session, ada, now=MORNING) != medicine_id


def test_a_strangers_medicine_does_not_exist(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    with pytest.raises(NotFound):
        cabinet.get_medicine(session, bob, medicine_id)
    with pytest.raises(NotFound):
        put(session, bob, medicine_id)
    with pytest.raises(NotFound):
        catalogue.hide(session, bob, medicine_id, now=MORNING)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (None, ["aspirin", "Metformin", "Vitamin_C 100%"]),
        ("  ", ["aspirin", "Metformin", "Vitamin_C 100%"]),
        ("MET", ["Metformin"]),
        ("%", ["Vitamin_C 100%"]),
        ("_", ["Vitamin_C 100%"]),
        ("\\", []),
        ("acetyl", ["aspirin"]),
        ("ACETYL", ["aspirin"]),
    ],
)
def test_search_takes_what_was_typed_literally(session: Session, search: str | None, found: list[str]) -> None:
    ada = make_person(session, now=MORNING)
    make_medicine(session, ada, name="Vitamin_C 100%", now=MORNING)
    make_medicine(session, ada, name="Metformin", now=MORNING)
    make_medicine(session, ada, name="aspirin", generic_name="Acetylsalicylic acid", now=MORNING)
    rows, total = cabinet.list_medicines(session, ada, search=search, page=1, per_page=10)
    assert [row["name"] for row in rows] == found
    assert total == len(found)


def test_a_page_beyond_the_last_is_empty_and_still_knows_the_total(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    for number in range(3):
        make_medicine(session, ada, name=f"Medicine {number}", now=MORNING)
    assert len(cabinet.list_medicines(session, ada, search=None, page=2, per_page=2)[0]) == 1
    assert cabinet.list_medicines(session, ada, search=None, page=9, per_page=2) == ([], 3)


def test_low_stock_is_at_or_below_the_alert_level_the_least_first(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    for name, stock in (("enough", 6), ("just", 5), ("empty", 0)):
        make_medicine(session, ada, name=name, stock=stock, alert=5, now=MORNING)
    assert [row["name"] for row in cabinet.low_stock(session, ada)] == ["empty", "just"]


@pytest.mark.parametrize(
    ("on_hand", "level"), [(0, "critical"), (5, "critical"), (6, "low"), (10, "low"), (25, "medium"), (26, "good")]
)
def test_the_stock_level_counts_in_alert_levels(on_hand: int, level: str) -> None:
    assert cabinet.stock_level(Decimal(on_hand), Decimal(5)) == level
