"""The person's day and their history over HTTP, field by field as the old client reads them."""

from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock

HOUR = {"grace_minutes": 60}


@pytest.fixture
def medicine(clock: StandingClock, ada: Caller) -> int:
    """It is 08:00 in Riga on Tuesday 3 March 2026."""
    return ada.add_medicine(current_stock=30)


def today(caller: Caller) -> list[tuple[str, str, bool]]:
    rows = caller.get("/reminders/today-with-status")
    return [(row["time"][11:16], row["status"], row["is_pending"]) for row in rows]


def history(caller: Caller, **query: Any) -> list[tuple[str, str]]:
    page = caller.get("/reminders/history", params={"page": 1, "per_page": 20} | query)
    assert page["total"] == len(page["items"])
    return [(row["scheduled_time"], row["status"]) for row in page["items"]]


# --- today ----------------------------------------------------------------------------------------------------------


def test_a_dose_of_today_has_the_fields_of_the_old_client_and_its_instants_beside_them(
    ada: Caller, medicine: int
) -> None:
    reminder = ada.remind(medicine, "20:00", dosage_amount="1/2")
    [dose] = ada.get("/doses")["items"]

    assert ada.get("/reminders/today-with-status") == [
        {
            "id": reminder,
            "reminder_id": reminder,
            "dose_id": dose["id"],
            "medicine_id": medicine,
            "medicineName": "Metformin",
            "dosage": "1/2 tablet",
            "time": "2026-03-03T20:00:00",
            "due_at": "2026-03-03T18:00:00Z",
            "closes_at": "2026-03-03T22:00:00Z",
            "taken_at": None,
            "status": "upcoming",
            "is_pending": False,
        }
    ]


def test_a_day_shows_every_state(clock: StandingClock, ada: Caller, medicine: int) -> None:
    ada.remind(medicine, "09:00", **HOUR)
    skipped, taken = ada.remind(medicine, "09:30", **HOUR), ada.remind(medicine, "09:45", **HOUR)
    ada.remind(medicine, "10:15", **HOUR)
    ada.remind(medicine, "20:00", **HOUR)
    for instant in ("2026-03-03T09:00:00+02:00", "2026-03-03T10:30:00+02:00"):
        clock.stand(instant)
        clock.tick()
    ada = ada.afresh()
    ada.post(f"/reminders/{skipped}/skip", {})
    ada.post(f"/reminders/{taken}/take", {})

    assert today(ada) == [
        ("09:00", "missed", True),  # the old client may still offer to take it
        ("09:30", "skipped", False),
        ("09:45", "taken", False),
        ("10:15", "due", True),
        ("20:00", "upcoming", False),
    ]


def test_a_missed_dose_may_be_taken_until_the_day_ends(clock: StandingClock, ada: Caller, medicine: int) -> None:
    reminder = ada.remind(medicine, "09:00", **HOUR)
    for instant in ("2026-03-03T09:00:00+02:00", "2026-03-03T10:00:00+02:00"):
        clock.stand(instant)
        clock.tick()
    ada = ada.afresh()
    [row] = ada.get("/reminders/today-with-status")
    assert (row["status"], row["is_pending"]) == ("missed", True)

    late = ada.post(f"/reminders/{row['id']}/take", {})

    assert (late["status"], late["reminder_id"]) == ("taken", reminder)
    assert today(ada) == [("09:00", "taken", False)]
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 29


def test_two_reminders_of_one_medicine_keep_their_own_numbers(ada: Caller, medicine: int) -> None:
    morning, evening = ada.remind(medicine, "08:00"), ada.remind(medicine, "20:00")

    assert [row["id"] for row in ada.get("/reminders/today-with-status")] == [morning, evening]


def test_a_reminder_that_is_there_twice_is_named_by_its_doses(clock: StandingClock, ada: Caller, medicine: int) -> None:
    """At 00:30 yesterday's 23:30 may still be taken, and today's is to come."""
    reminder = ada.remind(medicine, "23:30")
    other = ada.remind(medicine, "12:00")
    clock.stand("2026-03-04T00:30:00+02:00")
    ada = ada.afresh()

    rows = ada.get("/reminders/today-with-status")

    assert [row["time"] for row in rows] == ["2026-03-03T23:30:00", "2026-03-04T12:00:00", "2026-03-04T23:30:00"]
    assert [row["is_pending"] for row in rows] == [True, False, False]
    assert [row["id"] for row in rows] == [rows[0]["dose_id"], other, rows[2]["dose_id"]]
    assert all(row["id"] > 2**37 for row in (rows[0], rows[2]))
    assert all(row["id"] < 2**53 for row in rows)

    by_reminder = ada.post(f"/reminders/{reminder}/take", {})  # the dose whose window holds now
    by_handle = ada.post(f"/reminders/{rows[2]['id']}/skip", {})
    assert (by_reminder["id"], by_reminder["status"]) == (rows[0]["dose_id"], "taken")
    assert (by_handle["id"], by_handle["status"]) == (rows[2]["dose_id"], "skipped")


def test_a_day_that_has_passed_is_not_today(clock: StandingClock, ada: Caller, medicine: int) -> None:
    ada.remind(medicine, "09:00", **HOUR)
    clock.stand("2026-03-04T08:00:00+02:00")

    assert today(ada.afresh()) == [("09:00", "upcoming", False)]


# --- history --------------------------------------------------------------------------------------------------------


def test_a_past_dose_has_the_fields_of_the_old_client(clock: StandingClock, ada: Caller, medicine: int) -> None:
    reminder = ada.remind(medicine, "08:00", dosage_amount="2")
    clock.move(minutes=5)
    taken = ada.post(f"/reminders/{reminder}/take", {"notes": "after breakfast"})

    [row] = ada.get("/reminders/history", params={"start_date": "2026-02-01", "end_date": "2026-03-03"})["items"]

    assert row.pop("id") > 0
    assert row == {
        "dose_id": taken["id"],
        "reminder_id": reminder,
        "medicine_id": medicine,
        "medicine_name": "Metformin",
        "dosage": "2 tablet",
        "scheduled_time": "2026-03-03T08:00:00",
        "due_at": "2026-03-03T06:00:00Z",
        "taken_time": "2026-03-03T06:05:00Z",
        "recorded_at": "2026-03-03T06:05:00Z",
        "status": "taken",
        "reason": None,
        "notes": "after breakfast",
    }


def test_history_is_what_was_answered_or_missed_newest_first(clock: StandingClock, ada: Caller, medicine: int) -> None:
    missed, taken = ada.remind(medicine, "09:00", **HOUR), ada.remind(medicine, "09:30", **HOUR)
    clock.stand("2026-03-03T09:00:00+02:00")
    clock.tick()
    clock.stand("2026-03-03T10:00:00+02:00")  # nobody was awake at 09:30: that dose will not have been reminded
    clock.tick()
    ada = ada.afresh()
    ada.post(f"/reminders/{taken}/take", {})
    ada.remind(medicine, "20:00")

    rows = [("2026-03-03T09:30:00", "taken"), ("2026-03-03T09:00:00", "missed")]
    assert history(ada) == rows
    assert history(ada, start_date="2026-03-03", end_date="2026-03-03") == rows
    assert history(ada, reminder_status="taken") == rows[:1]
    assert history(ada, reminder_status="missed") == rows[1:]
    assert history(ada, reminder_status="skipped") == []
    assert history(ada, start_date="2026-03-04", end_date="2026-03-30") == []
    assert history(ada, end_date="2026-03-02") == []
    assert ada.get("/reminders/history?per_page=1&page=2")["items"][0]["reminder_id"] == missed
    assert ada.get("/reminders/history?per_page=1")["pages"] == 2
    ada.refused(422, "GET", "/reminders/history?reminder_status=forgotten")


def test_what_nobody_was_reminded_of_is_in_no_history_but_among_the_doses(
    clock: StandingClock, ada: Caller, medicine: int
) -> None:
    ada.remind(medicine, "09:00", **HOUR)
    clock.stand("2026-03-03T10:00:00+02:00")  # our own clock had stopped until now
    clock.tick()
    ada = ada.afresh()

    assert history(ada) == []
    assert [dose["status"] for dose in ada.get("/doses")["items"]] == ["not_reminded"]
    assert today(ada) == [("09:00", "not_reminded", True)]


def test_an_answer_that_was_corrected_is_there_once(clock: StandingClock, ada: Caller, medicine: int) -> None:
    reminder = ada.remind(medicine, "08:00")
    for answer in ("skip", "take", "undo", "skip"):
        ada.post(f"/reminders/{reminder}/{answer}", {})

    assert history(ada) == [("2026-03-03T08:00:00", "skipped")]


# --- where today is another day than in UTC --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time_zone", "instant", "local_day", "utc_day"),
    [
        ("Pacific/Apia", "2026-03-03T12:30:00Z", "2026-03-04", "2026-03-03"),  # UTC+13: 01:30 tomorrow
        ("Pacific/Gambier", "2026-03-03T08:30:00Z", "2026-03-02", "2026-03-03"),  # UTC-9: 23:30 yesterday
    ],
)
def test_across_the_date_line_today_is_the_persons_own(
    clock: StandingClock, anybody: Caller, time_zone: str, instant: str, local_day: str, utc_day: str
) -> None:
    clock.stand(instant)
    them = anybody.join("tui", time_zone=time_zone)
    medicine = them.add_medicine(current_stock=30)
    now = {"Pacific/Apia": "01:30", "Pacific/Gambier": "23:30"}[time_zone]

    reminder = them.post("/reminders", {"medicine_id": medicine, "reminder_time": now, "dosage_amount": "1"})
    [row] = them.get("/reminders/today-with-status")
    taken = them.post(f"/reminders/{reminder['id']}/take", {})

    assert reminder["start_date"] == local_day
    assert (row["time"], row["due_at"], row["is_pending"]) == (f"{local_day}T{now}:00", instant, True)
    assert (taken["planned_on"], taken["status"]) == (local_day, "taken")
    assert [each["message"] for each in them.get("/notifications")["items"]] == [f"Metformin - 1 tablet ({now})"]
    # the old client reckons in UTC dates: up to its today means up to the person's today
    assert history(them, start_date="2026-02-01", end_date=utc_day) == [(f"{local_day}T{now}:00", "taken")]
    entries = {"start_date": utc_day, "end_date": utc_day, "change_type": "consumed"}
    assert them.get("/medicines/inventory-history", params=entries)["total"] == 1
    prescription = {"doctor_name": "Dr. Tui", "prescription_date": local_day, "valid_until": local_day}
    line = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Daily"}
    made = them.post("/prescriptions", prescription | {"medicines": [line]})
    assert (made["is_expired"], made["days_until_expiry"]) == (False, 0)
