"""Medicines over HTTP, as the client's form sends them and as its lists want them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.callers import Caller

# what the form sends; `generic_name` is absent when it is empty
FORM = {
    "name": "Metformin",
    "form": "tablet",
    "dosage": "500 mg",
    "unit": "tablets",
    "current_stock": 6,
    "min_stock_alert": 5,
}


def names(answer: Any) -> list[str]:
    return [medicine["name"] for medicine in (answer["items"] if isinstance(answer, dict) else answer)]


# --- adding ---------------------------------------------------------------------------------------------------------


def test_a_medicine_is_answered_as_the_client_reads_it(ada: Caller) -> None:
    answer = ada.call("POST", "/medicines", json=FORM | {"generic_name": "metformin hydrochloride"})

    medicine = answer.json()
    assert answer.status_code == 201
    assert {name: medicine[name] for name in FORM} == FORM
    assert (medicine["generic_name"], medicine["notes"]) == ("metformin hydrochloride", None)
    assert (medicine["is_low_stock"], medicine["stock_level"]) == (False, "low")
    assert medicine["created_at"].endswith("Z")
    assert ada.get(f"/medicines/{medicine['id']}") == medicine
    assert ada.get("/medicines")["items"] == [medicine]


def test_stock_is_a_json_number_whole_where_it_can_be(ada: Caller) -> None:
    sent = '{"name":"Syrup","form":"syrup","dosage":"5 ml","unit":"ml","current_stock":2.5,"min_stock_alert":1.125}'
    text = ada.call("POST", "/medicines", content=sent, headers={"Content-Type": "application/json"}).text
    assert '"current_stock":2.5,' in text
    assert '"min_stock_alert":1.125,' in text

    whole = ada.call("PATCH", f"/medicines/{json.loads(text)['id']}", json={"current_stock": 3.0}).text
    assert '"current_stock":3,' in whole


def test_what_is_not_said_about_stock_is_none_and_five(ada: Caller) -> None:
    bare = {name: FORM[name] for name in ("name", "form", "dosage", "unit")}
    medicine = ada.post("/medicines", bare)

    assert (medicine["current_stock"], medicine["min_stock_alert"], medicine["is_low_stock"]) == (0, 5, True)
    assert ada.get("/medicines/inventory-history")["items"] == []


def test_a_name_is_there_once_however_it_is_spelt(ada: Caller, bob: Caller) -> None:
    first = ada.add_medicine("Metformin")
    second = ada.add_medicine("Aspirin")
    for spelling in ("Metformin", "METFORMIN", "  metformin  "):
        problem = ada.refused(409, "POST", "/medicines", FORM | {"name": spelling})
        assert problem["detail"] == "You already have a medicine with this name."
    assert ada.refused(409, "PATCH", f"/medicines/{second}", {"name": "metformin"})["code"] == "medicine_name_taken"
    assert ada.refused(409, "PUT", f"/medicines/{second}", FORM)["code"] == "medicine_name_taken"

    bob.add_medicine("Metformin")
    ada.delete(f"/medicines/{first}")
    ada.add_medicine("Metformin")


def test_of_twenty_who_add_one_name_at_once_one_does(ada: Caller) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ada.call("POST", "/medicines", json=FORM), range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert ada.get("/medicines")["total"] == 1


def test_what_cannot_be_a_medicine_is_refused_with_a_sentence(ada: Caller) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "Name must not be empty."),
        ({"name": "   "}, "Name must not be empty."),
        ({"name": None}, "Name is missing."),
        ({"name": "x" * 256}, "Name can have at most 255 characters."),
        ({"name": 5}, "Name must be text."),
        ({"name": "a\x00b"}, "Name contains a character that cannot be kept."),
        ({"name": "Met\nformin"}, "Name must be on one line."),
        ({"name": "\u200b\ufeff"}, "Name must not be empty."),
        ({"unit": "tab\tlets"}, "Unit must be on one line."),
        ({"generic_name": "a\r\nb"}, "Generic name must be on one line."),
        ({"generic_name": "x" * 256}, "Generic name can have at most 255 characters."),
        ({"dosage": ""}, "Dosage must not be empty."),
        ({"unit": "x" * 51}, "Unit can have at most 50 characters."),
        ({"notes": "x" * 2001}, "Notes can have at most 2000 characters."),
        ({"current_stock": -1}, "Current stock must be at least 0."),
        ({"current_stock": 1_000_000_000}, "Current stock must be at most 999999999.999."),
        ({"current_stock": 0.0001}, "Current stock can have at most 3 decimals."),
        ({"current_stock": True}, "Current stock must be a number."),
        ({"min_stock_alert": "many"}, "Min stock alert must be a number."),
        ({"min_stock_alert": []}, "Min stock alert must be a number."),
    ]
    for fields, sentence in wrong:
        assert ada.refused(422, "POST", "/medicines", FORM | fields)["detail"] == sentence
    assert ada.get("/medicines")["total"] == 0


def test_a_misspelt_field_is_told_of_and_what_may_have_been_meant(ada: Caller) -> None:
    problem = ada.refused(422, "POST", "/medicines", FORM | {"genericname": "x"})
    assert problem["detail"] == "The body of the request has a field that is not known here (is it generic_name?)."


# --- finding --------------------------------------------------------------------------------------------------------


def test_medicines_come_by_name_a_page_at_a_time(ada: Caller) -> None:
    for name in ("Zinc", "aspirin", "Metformin"):
        ada.add_medicine(name)

    first = ada.get("/medicines", params={"per_page": 2})
    second = ada.get("/medicines", params={"per_page": 2, "page": 2})
    beyond = ada.get("/medicines", params={"per_page": 2, "page": 3})

    assert (names(first), names(second), names(beyond)) == (["aspirin", "Metformin"], ["Zinc"], [])
    for number, page in enumerate((first, second, beyond), 1):
        assert {name: page[name] for name in ("total", "page", "per_page", "pages")} == {
            "total": 3, "page": number, "per_page": 2, "pages": 2,
        }  # fmt: skip


@pytest.fixture
def shelf(ada: Caller) -> Caller:
    """Ada's, with names that a careless search would stumble over."""
    for name, generic in (
        ("Metformin", "biguanide"),
        ("50% Glucose", None),
        ("a_b", None),
        ("axb", None),
        (r"c\d", None),
    ):
        ada.add_medicine(name, **({"generic_name": generic} if generic else {}))
    return ada


def test_a_search_is_taken_literally_and_looks_into_both_names(shelf: Caller) -> None:
    found = {
        search: names(shelf.get("/medicines", params={"search": search}))
        for search in ("METF", "biguan", "%", "_", "\\", "  met ", "é", "' OR 1=1 --")
    }

    assert found == {
        "METF": ["Metformin"],
        "biguan": ["Metformin"],
        "%": ["50% Glucose"],
        "_": ["a_b"],
        "\\": [r"c\d"],
        "  met ": ["Metformin"],
        "é": [],
        "' OR 1=1 --": [],
    }
    assert shelf.get("/medicines", params={"search": ""})["total"] == 5


def test_medicines_to_prescribe_are_a_plain_list_of_fifty_at_most(shelf: Caller, bob: Caller) -> None:
    found = shelf.get("/medicines/for-prescription", params={"search": "met"})
    assert [{name: each[name] for name in ("name", "dosage", "form", "unit")} for each in found] == [
        {"name": "Metformin", "dosage": "500 mg", "form": "tablet", "unit": "tablets"}
    ]
    assert len(shelf.get("/medicines/for-prescription")) == 5
    assert bob.get("/medicines/for-prescription") == []

    for number in range(50):
        shelf.add_medicine(f"Number {number}")
    assert len(shelf.get("/medicines/for-prescription")) == 50


def test_low_stock_is_a_plain_list_the_least_first(ada: Caller) -> None:
    ada.add_medicine("Enough", current_stock=6, min_stock_alert=5)
    at_the_level = ada.add_medicine("At the level", current_stock=5, min_stock_alert=5)
    ada.add_medicine("None", current_stock=0, min_stock_alert=0)

    low = ada.get("/medicines/low-stock")

    assert names(low) == ["None", "At the level"]
    assert low[1] == ada.get(f"/medicines/{at_the_level}")


# --- editing --------------------------------------------------------------------------------------------------------


def test_put_clears_the_generic_name_that_the_form_leaves_out_and_keeps_the_rest(ada: Caller) -> None:
    medicine = ada.add_medicine(generic_name="metformin hydrochloride", notes="with food")

    edited = ada.put(f"/medicines/{medicine}", FORM | {"dosage": "850 mg"})

    assert (edited["generic_name"], edited["notes"], edited["dosage"]) == (None, "with food", "850 mg")


def test_patch_keeps_what_is_absent_and_clears_what_is_emptied(ada: Caller) -> None:
    medicine = ada.add_medicine(generic_name="metformin hydrochloride", notes="with food")

    edited = ada.patch(f"/medicines/{medicine}", {"notes": "", "name": None})
    assert (edited["generic_name"], edited["notes"], edited["name"]) == ("metformin hydrochloride", None, "Metformin")
    for nothing in ({"dosage": ""}, {"name": " "}):
        ada.refused(422, "PATCH", f"/medicines/{medicine}", nothing)


def test_a_stale_stock_in_a_form_that_changes_other_things_is_no_count(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6.5)
    ada.post(f"/reminders/{ada.add_reminder(medicine)}/take", {})
    stale = {"current_stock": 6}  # 6.5 as the form was served it, cut to a whole number

    renamed = ada.put(f"/medicines/{medicine}", FORM | stale | {"name": "Glucophage"})
    assert (renamed["name"], renamed["current_stock"]) == ("Glucophage", 5.5)

    same = FORM | {"name": "Glucophage"}
    counted = ada.put(f"/medicines/{medicine}", same | stale)
    assert counted["current_stock"] == 6  # the stock is all that changed: somebody counted

    both = ada.put(f"/medicines/{medicine}", same | {"current_stock": 20, "dosage": "850 mg"})
    assert (both["current_stock"], both["dosage"]) == (20, "850 mg")
    history = ada.get("/medicines/inventory-history")["items"]
    assert [(entry["change_type"], entry["change_amount"]) for entry in history] == [
        ("adjusted", 14),
        ("adjusted", 0.5),
        ("consumed", -1),
        ("added", 6.5),
    ]


def test_deleting_takes_the_reminders_along_and_leaves_the_history(ada: Caller) -> None:
    medicine = ada.add_medicine()
    reminder = ada.add_reminder(medicine)
    ada.post(f"/reminders/{reminder}/take", {})

    assert ada.call("DELETE", f"/medicines/{medicine}").status_code == 204

    assert ada.refused(404, "GET", f"/medicines/{medicine}")["detail"] == "There is no such medicine."
    ada.refused(404, "DELETE", f"/medicines/{medicine}")
    ada.refused(404, "GET", f"/reminders/{reminder}")
    assert (ada.get("/medicines")["total"], ada.get("/reminders")["total"]) == (0, 0)
    assert [entry["medicine_name"] for entry in ada.get("/medicines/inventory-history")["items"]] == ["Metformin"] * 2


# --- what prescriptions order ---------------------------------------------------------------------------------------


def test_what_is_ordered_and_not_on_the_shelf_can_be_put_there_at_once(ada: Caller) -> None:
    line = {"medicine_name": "Amoxicillin", "dosage": "250 mg", "frequency": "Three times daily", "duration_days": 7}
    for doctor, spelling in (("Dr. Kalns", "Amoxicillin"), ("Dr. Ozols", "AMOXICILLIN")):
        said = {
            "doctor_name": doctor,
            "prescription_date": "2026-03-01",
            "medicines": [line | {"medicine_name": spelling}],
        }
        ada.post("/prescriptions", said)
    [missing] = ada.get("/medicines/missing-from-inventory")
    assert set(missing) == {
        "id", "medicine_name", "dosage", "frequency", "duration_days", "instructions", "prescriptions_count",
    }  # fmt: skip
    assert (missing["dosage"], missing["duration_days"], missing["prescriptions_count"]) == ("250 mg", 7, 2)

    path = f"/medicines/from-prescription?prescription_medicine_id={missing['id']}"
    answer = ada.call("POST", path, json=FORM | {"name": "Amoxicillin", "dosage": "250 mg"})

    assert answer.status_code == 201
    assert ada.get("/medicines/missing-from-inventory") == []
    linked = [p["prescription_medicines"][0]["medicine_id"] for p in ada.get("/prescriptions")["items"]]
    assert linked == [answer.json()["id"]] * 2


def test_a_line_that_is_not_there_puts_nothing_on_the_shelf(ada: Caller, bob: Caller) -> None:
    line = {"medicine_name": "Amoxicillin", "dosage": "250 mg", "frequency": "Daily"}
    said = {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-01", "medicines": [line]}
    bobs = bob.post("/prescriptions", said)["prescription_medicines"][0]["id"]

    path = "/medicines/from-prescription?prescription_medicine_id="
    assert ada.refused(404, "POST", f"{path}{bobs}", FORM) == ada.refused(404, "POST", f"{path}999999", FORM)
    assert ada.refused(422, "POST", path.partition("?")[0], FORM)["detail"] == "Prescription medicine is missing."
    assert ada.get("/medicines")["total"] == 0
