"""Prescriptions over HTTP, as the client's form sends them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock

# with the object it picked the medicine from, which the client sends along
LINE = {
    "medicine_name": "Metformin",
    "dosage": "500 mg",
    "frequency": "Twice daily",
    "duration_days": 30,
    "instructions": "",
    "medicine_id": None,
    "selectedMedicine": {"id": 5, "name": "Metformin", "user_id": 7},
}
FORM = {"doctor_name": "Dr. Kalns", "hospital_clinic": "Clinic", "prescription_date": "2026-03-03", "medicines": [LINE]}


@pytest.fixture
def ada(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada


def told(caller: Caller) -> list[str]:
    return [each["message"] for each in caller.get("/notifications?type=prescription_expiry")["items"]]


def doctors(caller: Caller, **query: Any) -> list[str]:
    return [each["doctor_name"] for each in caller.get("/prescriptions", params=query)["items"]]


def test_a_prescription_is_answered_as_the_client_reads_it(ada: Caller) -> None:
    medicine = ada.add_medicine()
    lines = [LINE | {"medicine_id": medicine}, LINE | {"medicine_name": "Aspirin", "duration_days": None}]
    answer = ada.call("POST", "/prescriptions", json=FORM | {"valid_until": "2026-06-03", "medicines": lines})

    prescription = answer.json()
    assert answer.status_code == 201
    assert ada.get(f"/prescriptions/{prescription['id']}") == prescription
    assert ada.get("/prescriptions")["items"] == [prescription]
    first, second = prescription.pop("prescription_medicines")
    assert first == {
        "id": first["id"],
        "medicine_id": medicine,
        "medicine_name": "Metformin",
        "dosage": "500 mg",
        "frequency": "Twice daily",
        "duration_days": 30,
        "instructions": "",
    }
    assert (second["medicine_name"], second["medicine_id"], second["duration_days"]) == ("Aspirin", None, None)
    assert prescription == {
        "id": prescription["id"],
        "doctor_name": "Dr. Kalns",
        "hospital_clinic": "Clinic",
        "prescription_date": "2026-03-03",
        "valid_until": "2026-06-03",
        "notes": None,
        "image_url": None,
        "is_active": True,
        "is_expired": False,
        "days_until_expiry": 92,
        "created_at": "2026-03-03T06:00:00Z",
        "updated_at": "2026-03-03T06:00:00Z",
    }


def test_what_cannot_be_a_prescription_is_refused_with_a_sentence(ada: Caller, bob: Caller) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"doctor_name": ""}, "Doctor name must not be empty."),
        ({"doctor_name": None}, "Doctor name is missing."),
        ({"doctor_name": "x" * 256}, "Doctor name can have at most 255 characters."),
        ({"prescription_date": "yesterday"}, "Prescription date must be a date such as 2026-11-24."),
        ({"prescription_date": "1899-12-31"}, "Prescription date must be a date from 1900 to 2200."),
        ({"valid_until": "9999-12-31"}, "Valid until must be a date from 1900 to 2200."),
        ({"medicines": []}, "A prescription needs at least one medicine."),
        ({"medicines": None}, "Medicines is missing."),
        ({"medicines": {}}, "Medicines must be a list."),
        ({"medicines": [LINE] * 101}, "Medicines can have at most 100 entries."),
        ({"medicines": [LINE, LINE | {"medicine_name": " "}]}, "Medicine name in line 2 must not be empty."),
        ({"medicines": [LINE | {"duration_days": 0}]}, "Duration days in line 1 must be at least 1."),
        ({"medicines": [LINE | {"duration_days": True}]}, "Duration days in line 1 must be a number."),
        ({"medicines": [LINE | {"medicine_id": 2**63}]}, f"Medicine id in line 1 must be at most {2**63 - 1}."),
        ({"notes": "x" * 2001}, "Notes can have at most 2000 characters."),
    ]
    for fields, sentence in wrong:
        assert ada.refused(422, "POST", "/prescriptions", FORM | fields)["detail"] == sentence

    theirs = FORM | {"medicines": [LINE | {"medicine_id": bob.add_medicine()}]}
    nobodys = FORM | {"medicines": [LINE | {"medicine_id": 999_999}]}
    assert ada.refused(404, "POST", "/prescriptions", theirs) == ada.refused(404, "POST", "/prescriptions", nobodys)
    assert ada.get("/prescriptions")["total"] == 0


def test_the_newest_come_first_and_can_be_searched(ada: Caller) -> None:
    for doctor, clinic, day in (
        ("Kalns", "North 100%", "2026-03-01"),
        ("Ozols", "South_Side", "2026-03-02"),
        ("Bērziņš", "", "2026-03-02"),
    ):
        ada.post("/prescriptions", FORM | {"doctor_name": doctor, "hospital_clinic": clinic, "prescription_date": day})

    assert doctors(ada) == ["Bērziņš", "Ozols", "Kalns"]
    assert doctors(ada, search="north") == ["Kalns"]
    assert doctors(ada, search="BĒRZ") == ["Bērziņš"]
    assert doctors(ada, search="%") == ["Kalns"]
    assert doctors(ada, search="_") == ["Ozols"]
    assert doctors(ada, per_page=2, page=2) == ["Kalns"]


def test_an_expired_one_is_found_by_the_persons_own_day(clock: StandingClock, ada: Caller) -> None:
    ada.post("/prescriptions", FORM | {"doctor_name": "Yesterday", "valid_until": "2026-03-02"})
    ada.post("/prescriptions", FORM | {"doctor_name": "Today", "valid_until": "2026-03-03"})
    ada.post("/prescriptions", FORM | {"doctor_name": "Never"})
    ada.post("/prescriptions", FORM | {"doctor_name": "Off", "is_active": False})

    assert doctors(ada, is_expired=True) == ["Yesterday"]
    assert doctors(ada, is_expired=False) == ["Off", "Never", "Today"]
    assert doctors(ada, is_active=True) == ["Never", "Today", "Yesterday"]
    assert doctors(ada, is_active=False) == ["Off"]
    days = {each["doctor_name"]: each["days_until_expiry"] for each in ada.get("/prescriptions")["items"]}
    assert days == {"Yesterday": -1, "Today": 0, "Never": -1, "Off": -1}

    clock.stand("2026-03-04T00:30:00+02:00")  # in UTC it is still the third
    assert doctors(ada.afresh(), is_expired=True) == ["Today", "Yesterday"]


def test_an_edit_replaces_the_lines_and_keeps_those_that_stay(ada: Caller) -> None:
    before = ada.post("/prescriptions", FORM | {"medicines": [LINE, LINE | {"medicine_name": "Aspirin"}]})
    metformin, aspirin = before["prescription_medicines"]

    lines = [aspirin | {"dosage": "100 mg"}, LINE | {"medicine_name": "Zinc"}]
    after = ada.put(f"/prescriptions/{before['id']}", FORM | {"medicines": lines, "is_active": True})

    kept, new = after["prescription_medicines"]
    assert (kept["id"], kept["dosage"]) == (aspirin["id"], "100 mg")
    assert new["medicine_name"] == "Zinc"
    assert new["id"] not in (metformin["id"], aspirin["id"])
    assert ada.get(f"/prescriptions/{before['id']}") == after


def test_a_strangers_line_is_a_new_one(ada: Caller, bob: Caller) -> None:
    theirs = bob.post("/prescriptions", FORM)
    mine = ada.post("/prescriptions", FORM)

    stolen = theirs["prescription_medicines"][0] | {"dosage": "stolen"}
    after = ada.put(f"/prescriptions/{mine['id']}", FORM | {"medicines": [stolen]})

    assert after["prescription_medicines"][0]["id"] != stolen["id"]
    assert bob.get(f"/prescriptions/{theirs['id']}") == theirs


def test_put_clears_what_the_form_leaves_out_and_patch_keeps_it(ada: Caller) -> None:
    made = ada.post("/prescriptions", FORM | {"valid_until": "2026-12-03", "notes": "with food"})
    path = f"/prescriptions/{made['id']}"

    kept = ada.patch(path, {"doctor_name": "Dr. Ozols"})
    assert kept == made | {"doctor_name": "Dr. Ozols", "updated_at": kept["updated_at"]}
    bare = {"doctor_name": "Dr. Ozols", "prescription_date": "2026-03-03", "is_active": False}
    cleared = ada.put(path, bare)
    assert [cleared[name] for name in ("hospital_clinic", "valid_until", "notes")] == [None] * 3
    assert (cleared["is_active"], cleared["prescription_medicines"]) == (False, made["prescription_medicines"])
    assert ada.refused(422, "PUT", path, bare | {"medicines": []})["code"] == "prescription_without_medicine"


def test_one_that_ends_soon_is_told_at_once_and_once(clock: StandingClock, ada: Caller) -> None:
    made = ada.post("/prescriptions", FORM | {"valid_until": "2026-03-10"})
    path = f"/prescriptions/{made['id']}"
    week = ["Your prescription from Dr. Kalns expires in 7 days"]
    assert told(ada) == week

    ada.put(path, FORM | {"valid_until": "2026-03-10", "notes": "seen"})
    ada.patch(path, {"doctor_name": "Dr. Kalns"})
    assert told(ada) == week

    ada.patch(path, {"valid_until": "2026-12-24"})
    assert told(ada) == week
    ada.patch(path, {"valid_until": "2026-03-04"})
    assert told(ada) == ["Your prescription from Dr. Kalns expires in 1 day", *week]


def test_one_that_is_over_far_away_or_switched_off_is_not_told(ada: Caller) -> None:
    for until, is_active in (("2026-03-02", True), ("2026-04-03", True), (None, True), ("2026-03-10", False)):
        ada.post("/prescriptions", FORM | {"valid_until": until, "is_active": is_active})

    assert told(ada) == []


def test_a_double_click_makes_one(clock: StandingClock, ada: Caller) -> None:
    said = FORM | {"valid_until": "2026-03-10"}
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: ada.post("/prescriptions", said), range(4)))
    assert all(each == made[0] for each in made)
    assert (ada.get("/prescriptions")["total"], len(told(ada))) == (1, 1)

    ada.post("/prescriptions", said | {"notes": "another"})
    clock.move(seconds=6)
    ada.post("/prescriptions", said)
    assert ada.get("/prescriptions")["total"] == 3


def test_a_deleted_one_is_gone_and_can_be_written_again_at_once(ada: Caller) -> None:
    made = ada.post("/prescriptions", FORM)

    assert ada.call("DELETE", f"/prescriptions/{made['id']}").status_code == 204

    for method, said in (("GET", None), ("DELETE", None), ("PUT", FORM), ("PATCH", {})):
        problem = ada.refused(404, method, f"/prescriptions/{made['id']}", said)
        assert problem["detail"] == "There is no such prescription."
    again = ada.post("/prescriptions", FORM)
    assert again["id"] != made["id"]
    assert ada.get(f"/prescriptions/{again['id']}") == again
