"""Reminders over HTTP, as the client's form sends them."""

from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock

# 08:00 in Riga on Tuesday 3 March 2026; the form always sends these
FORM = {
    "reminder_time": "20:00:00",
    "frequency": "daily",
    "dosage_amount": "1",
    "dosage_unit": "tablet",
    "start_date": "2026-03-03",
    "is_active": True,
}


@pytest.fixture
def medicine(clock: StandingClock, ada: Caller) -> int:
    return ada.add_medicine(current_stock=30)


def planned(caller: Caller, start: str = "2026-03-03", end: str = "2026-03-10") -> list[str]:
    """The planned wall clocks of the doses that have rows already: three days ahead."""
    return [dose["scheduled_time"] for dose in caller.get("/doses", params={"start": start, "end": end})["items"]]


def test_a_reminder_is_answered_as_the_client_reads_it(ada: Caller, medicine: int) -> None:
    answer = ada.call("POST", "/reminders", json=FORM | {"medicine_id": medicine, "notes": "with food"})

    reminder = answer.json()
    assert answer.status_code == 201
    assert {name: reminder[name] for name in FORM} == FORM
    assert reminder["medicine_id"] == medicine
    assert reminder["medicine"] == {
        "id": medicine,
        "name": "Metformin",
        "dosage": "500 mg",
        "form": "tablet",
        "unit": "tablets",
    }
    assert (reminder["specific_days"], reminder["interval_days"], reminder["end_date"]) == (None, None, None)
    assert (reminder["notes"], reminder["time_zone"]) == ("with food", "Europe/Riga")
    assert reminder["sentence"] == "1 tablet at 20:00 every day, from 3 March 2026"
    assert reminder["next_dose_at"] == "2026-03-03T18:00:00Z"
    assert ada.get(f"/reminders/{reminder['id']}") == reminder
    assert ada.get("/reminders?per_page=100")["items"] == [reminder]


def test_every_day(ada: Caller, medicine: int) -> None:
    ada.post("/reminders", FORM | {"medicine_id": medicine, "end_date": "2026-03-04"})

    assert planned(ada) == ["2026-03-03T20:00:00", "2026-03-04T20:00:00"]


def test_on_some_days_of_the_week_where_sunday_is_nought(ada: Caller, medicine: int) -> None:
    """In the order in which they were clicked: Thursday, Wednesday, Thursday again."""
    weekly = FORM | {"medicine_id": medicine, "frequency": "specific_days", "specific_days": [4, 3, 4]}
    reminder = ada.post("/reminders", weekly)

    assert reminder["specific_days"] == [3, 4]
    assert planned(ada) == ["2026-03-04T20:00:00", "2026-03-05T20:00:00"]
    assert reminder["sentence"].endswith("on Wednesdays and Thursdays, from 3 March 2026")


def test_every_few_days(ada: Caller, medicine: int) -> None:
    every_other = FORM | {"medicine_id": medicine, "frequency": "interval", "interval_days": 2}
    reminder = ada.post("/reminders", every_other)

    assert (reminder["interval_days"], reminder["specific_days"]) == (2, None)
    assert planned(ada) == ["2026-03-03T20:00:00", "2026-03-05T20:00:00"]


def test_weekdays_left_over_from_before_mean_nothing_to_a_daily_reminder(ada: Caller, medicine: int) -> None:
    """The client goes on sending them after a switch back to daily."""
    stale = FORM | {"medicine_id": medicine, "specific_days": [1, 3], "interval_days": 3}
    reminder = ada.post("/reminders", stale)

    assert (reminder["frequency"], reminder["specific_days"], reminder["interval_days"]) == ("daily", None, None)
    assert len(planned(ada)) == 3


def test_what_is_not_said_starts_today_without_an_amount(ada: Caller, medicine: int) -> None:
    reminder = ada.post("/reminders", {"medicine_id": medicine, "reminder_time": "20:00"})

    assert (reminder["start_date"], reminder["frequency"], reminder["is_active"]) == ("2026-03-03", "daily", True)
    assert (reminder["dosage_amount"], reminder["dosage_unit"]) == (None, "tablet")
    assert ada.get("/reminders/today-with-status")[0]["dosage"] == ""


def test_an_amount_is_kept_as_it_was_typed(ada: Caller, medicine: int) -> None:
    for typed, meant in {"1": 1, "0.5": 0.5, "0,5": 0.5, "1/2": 0.5, "½": 0.5, "1 1/2": 1.5, "0.125": 0.125}.items():
        reminder = ada.post("/reminders", FORM | {"medicine_id": medicine, "dosage_amount": typed})
        assert reminder["dosage_amount"] == typed
        [dose] = [each for each in ada.get("/doses")["items"] if each["reminder_id"] == reminder["id"]]
        assert (dose["amount"], dose["dosage"]) == (meant, f"{typed} tablet")
        ada.delete(f"/reminders/{reminder['id']}")


def test_what_cannot_be_a_reminder_is_refused_with_a_sentence(ada: Caller, medicine: int) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"medicine_id": None}, "Medicine is missing."),
        ({"medicine_id": True}, "Medicine id must be a number."),
        ({"medicine_id": 0}, "Medicine id must be at least 1."),
        ({"reminder_time": None}, "Reminder time is missing."),
        ({"reminder_time": "24:00"}, "Reminder time must be a time of day such as 08:00."),
        ({"reminder_time": "8 o'clock"}, "Reminder time must be a time of day such as 08:00."),
        ({"reminder_time": 800}, "Reminder time must be a time of day such as 08:00."),
        ({"reminder_time": "08:00+02:00"}, "A time of day has hours, minutes and seconds only."),
        ({"frequency": "hourly"}, "Frequency must be 'daily', 'specific_days' or 'interval'."),
        ({"frequency": "specific_days"}, "Choose at least one day of the week."),
        ({"frequency": "specific_days", "specific_days": []}, "Choose at least one day of the week."),
        ({"specific_days": [7]}, "Specific days must be at most 6."),
        ({"specific_days": [True]}, "Specific days must be a number."),
        ({"specific_days": [0] * 32}, "Specific days can have at most 31 entries."),
        ({"frequency": "interval"}, "The number of days between doses must be from 1 to 365."),
        ({"interval_days": 0}, "Interval days must be at least 1."),
        ({"interval_days": 366}, "Interval days must be at most 365."),
        ({"interval_days": True}, "Interval days must be a number."),
        ({"dosage_amount": "0"}, "The amount must be more than zero and less than a million."),
        ({"dosage_amount": "-1"}, "Write the amount as a number, such as 1, 0.5 or 1/2."),
        ({"dosage_amount": "one"}, "Write the amount as a number, such as 1, 0.5 or 1/2."),
        ({"dosage_amount": "9" * 21}, "Dosage amount can have at most 20 characters."),
        ({"dosage_amount": 1}, "Dosage amount must be text."),
        ({"start_date": "2026-02-30"}, "Start date must be a date such as 2026-11-24."),
        ({"start_date": "0001-01-01"}, "Start date must be a date from 1900 to 2200."),
        ({"start_date": "9999-12-31"}, "Start date must be a date from 1900 to 2200."),
        ({"start_date": 20260303}, "Start date must be a date such as 2026-11-24."),
        ({"end_date": "2026-03-02"}, "The end date lies before the start date."),
        ({"grace_minutes": 0}, "Grace minutes must be at least 1."),
        ({"grace_minutes": 1441}, "Grace minutes must be at most 1440."),
        ({"notes": "x" * 2001}, "Notes can have at most 2000 characters."),
        ({"is_active": "perhaps"}, "Is active must be true or false."),
    ]
    for fields, sentence in wrong:
        assert ada.refused(422, "POST", "/reminders", FORM | {"medicine_id": medicine} | fields)["detail"] == sentence
    assert ada.get("/reminders")["total"] == 0


def test_a_medicine_that_is_not_ones_own_cannot_be_reminded_of(ada: Caller, bob: Caller, medicine: int) -> None:
    bobs = bob.add_medicine()

    strange = ada.refused(404, "POST", "/reminders", FORM | {"medicine_id": bobs})
    assert strange == ada.refused(404, "POST", "/reminders", FORM | {"medicine_id": 999_999})
    assert strange == ada.refused(404, "POST", "/reminders", FORM | {"medicine_id": 2**63 - 1})


# --- editing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def course(ada: Caller, medicine: int) -> int:
    """Half a tablet on Wednesdays until the end of March, with a note."""
    said = {"frequency": "specific_days", "specific_days": [3], "dosage_amount": "1/2", "end_date": "2026-03-31"}
    return int(ada.post("/reminders", FORM | said | {"medicine_id": medicine, "notes": "with food"})["id"])


def test_put_clears_what_the_form_leaves_out_when_it_is_empty(ada: Caller, course: int) -> None:
    bare = {name: FORM[name] for name in ("reminder_time", "frequency", "dosage_unit", "start_date", "is_active")}

    reminder = ada.put(f"/reminders/{course}", bare)

    cleared = ("specific_days", "end_date", "notes", "dosage_amount", "interval_days")
    assert [reminder[name] for name in cleared] == [None] * 5
    assert {name: reminder[name] for name in bare} == bare


def test_patch_keeps_what_is_absent(ada: Caller, course: int) -> None:
    before = ada.get(f"/reminders/{course}")

    after = ada.patch(f"/reminders/{course}", {"reminder_time": "21:00"})

    changed = {"reminder_time", "rule", "sentence", "next_dose_at", "updated_at"}
    assert {name for name in before if before[name] != after[name]} <= changed
    assert planned(ada) == ["2026-03-04T21:00:00"]
    cleared = ada.patch(f"/reminders/{course}", {"notes": "", "end_date": None, "dosage_amount": ""})
    assert (cleared["notes"], cleared["end_date"], cleared["dosage_amount"]) == (None, None, None)


def test_a_dose_that_is_moved_stays_the_same_dose(ada: Caller, course: int) -> None:
    [before] = ada.get("/doses", params={"start": "2026-03-04"})["items"]
    ada.put(
        f"/reminders/{course}", FORM | {"frequency": "specific_days", "specific_days": [3], "reminder_time": "07:00"}
    )
    [after] = ada.get("/doses", params={"start": "2026-03-04"})["items"]

    assert (after["id"], after["scheduled_time"]) == (before["id"], "2026-03-04T07:00:00")


def test_a_reminder_that_is_switched_off_is_still_listed_and_plans_nothing(ada: Caller, course: int) -> None:
    off = ada.patch(f"/reminders/{course}", {"is_active": False})

    assert (off["is_active"], off["next_dose_at"]) == (False, None)
    assert ada.get("/reminders")["items"] == [off]
    assert planned(ada) == []
    assert ada.patch(f"/reminders/{course}", {"is_active": True})["next_dose_at"] == "2026-03-04T18:00:00Z"
    assert planned(ada) == ["2026-03-04T20:00:00"]


def test_a_dose_that_was_due_when_its_reminder_was_switched_off_is_cancelled(ada: Caller, medicine: int) -> None:
    reminder = ada.remind(medicine, "08:00")
    due = ada.get("/doses")["items"][0]["id"]
    ada.patch(f"/reminders/{reminder}", {"is_active": False})

    assert (ada.get("/doses")["items"], ada.get("/reminders/today-with-status")) == ([], [])
    assert ada.get(f"/doses/{due}")["status"] == "cancelled"
    assert ada.refused(409, "POST", f"/doses/{due}/take")["code"] == "dose_cancelled"
    ada.patch(f"/reminders/{reminder}", {"is_active": True})
    assert ada.post(f"/doses/{due}/take")["status"] == "taken"


def test_a_reminder_keeps_its_medicine(ada: Caller, course: int, medicine: int) -> None:
    other = ada.add_medicine("Aspirin")

    assert ada.patch(f"/reminders/{course}", {"medicine_id": other})["medicine_id"] == medicine


def test_an_edit_that_cannot_be_meant_changes_nothing(ada: Caller, course: int) -> None:
    before = ada.get(f"/reminders/{course}")
    for method, fields, sentence in (
        ("PATCH", {"specific_days": []}, "Choose at least one day of the week."),
        ("PATCH", {"end_date": "2026-03-02"}, "The end date lies before the start date."),
        ("PATCH", {"dosage_amount": "1,000"}, "This could be read with or without thousands."),
        ("PUT", FORM | {"frequency": "interval"}, "The number of days between doses must be from 1 to 365."),
        ("PUT", FORM | {"reminder_time": None}, "Please say at what time."),
    ):
        assert ada.refused(422, method, f"/reminders/{course}", fields)["detail"].startswith(sentence)
    assert ada.get(f"/reminders/{course}") == before


def test_a_deleted_reminder_is_gone_and_its_history_stays(ada: Caller, medicine: int) -> None:
    reminder = ada.remind(medicine, "08:00")
    ada.post(f"/reminders/{reminder}/take", {})

    assert ada.call("DELETE", f"/reminders/{reminder}").status_code == 204

    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", ""), ("POST", "/take"), ("POST", "/undo")):
        said = FORM if method == "PUT" else None
        assert ada.refused(404, method, f"/reminders/{reminder}{path}", said)["code"] == "reminder_not_found"
    assert (ada.get("/reminders")["total"], ada.get("/reminders/today-with-status"), planned(ada)) == (0, [], [])
    assert ada.get("/medicines/inventory-history", params={"change_type": "consumed"})["total"] == 1


def test_reminders_are_listed_a_page_at_a_time_or_of_one_medicine(ada: Caller, medicine: int) -> None:
    other = ada.add_medicine("Aspirin")
    mine = [ada.remind(medicine, at) for at in ("09:00", "10:00", "11:00")]
    others = ada.remind(other, "09:00")

    def ids(**query: int) -> list[int]:
        return [reminder["id"] for reminder in ada.get("/reminders", params=query)["items"]]

    assert ids() == [*mine, others]
    assert ids(per_page=3, page=2) == [others]
    assert ids(medicine_id=medicine) == mine
    assert ids(medicine_id=999_999) == []
    beyond = ada.get("/reminders?page=9")
    assert (beyond["items"], beyond["total"], beyond["pages"]) == ([], 4, 1)
