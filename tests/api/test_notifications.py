"""The bell over HTTP."""

from zoneinfo import ZoneInfo

import pytest

from tests.support.callers import Caller
from tests.support.standing import StandingClock


@pytest.fixture
def rung(clock: StandingClock, ada: Caller) -> Caller:
    """It is 08:00 in Riga on Tuesday 3 March 2026. Due just now, then low, then a prescription that ends in a week."""
    medicine = ada.add_medicine(current_stock=6, min_stock_alert=5)
    ada.remind(medicine, "08:00")
    ada.post(f"/medicines/{medicine}/adjust-stock?adjustment=-1")
    line = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Daily"}
    said = {"doctor_name": "Dr. Kalns", "prescription_date": "2026-03-03", "valid_until": "2026-03-10"}
    ada.post("/prescriptions", said | {"medicines": [line]})
    return ada


def test_a_notification_has_what_the_client_reads_and_more(rung: Caller) -> None:
    [medicine] = rung.get("/medicines")["items"]
    [reminder] = rung.get("/reminders")["items"]
    [dose] = rung.get("/doses")["items"]
    [due] = rung.get("/notifications?type=reminder")["items"]

    assert rung.get(f"/notifications/{due['id']}") == due
    assert due.pop("id") > 0
    assert due == {
        "type": "reminder",
        "kind": "due",
        "title": "💊 Time to take your medicine",
        "message": "Metformin - 1 tablet (08:00)",
        "is_read": False,
        "read_at": None,
        "action_taken": None,
        "action_url": "/reminders",
        "reference_type": "reminder",
        "reference_id": reminder["id"],
        "dose_id": dose["id"],
        "reminder_id": reminder["id"],
        "medicine_id": medicine["id"],
        "due_at": "2026-03-03T06:00:00Z",
        "scheduled_time": "2026-03-03T08:00:00",
        "created_at": "2026-03-03T06:00:00Z",
    }


def test_each_kind_says_what_it_is_about_and_where_it_leads(rung: Caller) -> None:
    expiry, low, due = rung.get("/notifications?per_page=100")["items"]

    assert [each["type"] for each in (expiry, low, due)] == ["prescription_expiry", "low_stock", "reminder"]
    assert expiry["message"] == "Your prescription from Dr. Kalns expires in 7 days"
    assert low["message"] == "Metformin is running low (5 tablets left)"
    assert [each["action_url"] for each in (expiry, low, due)] == ["/prescriptions", "/medicines", "/reminders"]
    assert [each["reference_type"] for each in (expiry, low)] == ["prescription", "medicine"]
    assert (expiry["dose_id"], low["dose_id"]) == (None, None)


def test_the_list_can_be_narrowed_and_paged(rung: Caller) -> None:
    everything = rung.get("/notifications?per_page=100")
    assert {name: everything[name] for name in ("total", "page", "per_page", "pages")} == {
        "total": 3, "page": 1, "per_page": 100, "pages": 1,
    }  # fmt: skip
    rung.put(f"/notifications/{everything['items'][0]['id']}/read")

    def total(query: str) -> int:
        return int(rung.get(f"/notifications?{query}")["total"])

    assert [total(f"type={each}") for each in ("reminder", "low_stock", "prescription_expiry")] == [1, 1, 1]
    assert (total("is_read=true"), total("is_read=false"), total("is_read=false&type=low_stock")) == (1, 2, 1)
    pages = [rung.get(f"/notifications?per_page=2&page={page}") for page in (1, 2, 3)]
    assert [len(page["items"]) for page in pages] == [2, 1, 0]
    assert [page["total"] for page in pages] == [3, 3, 3]
    rung.refused(422, "GET", "/notifications?type=gossip")


def test_reading_is_kept_with_the_first_time(clock: StandingClock, rung: Caller) -> None:
    newest = rung.get("/notifications")["items"][0]["id"]
    read = rung.put(f"/notifications/{newest}/read")
    clock.move(minutes=1)

    assert (read["is_read"], read["read_at"]) == (True, "2026-03-03T06:00:00Z")
    assert rung.put(f"/notifications/{newest}/read") == read
    assert rung.get("/notifications/counts") == {"total": 3, "unread": 2}
    assert rung.put("/notifications/read-all") == {"changed": 2}
    assert rung.put("/notifications/read-all") == {"changed": 0}
    assert rung.get("/notifications/counts") == {"total": 3, "unread": 0}


def test_what_is_deleted_is_gone_and_is_not_told_again(clock: StandingClock, rung: Caller) -> None:
    newest = rung.get("/notifications")["items"][0]["id"]

    assert rung.call("DELETE", f"/notifications/{newest}").status_code == 204

    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/read"), ("PUT", "/taken"), ("PUT", "/skipped")):
        problem = rung.refused(404, method, f"/notifications/{newest}{path}")
        assert problem["detail"] == "There is no such notification."
    assert rung.delete("/notifications") == {"changed": 2}
    clock.move(minutes=1)
    clock.tick()
    assert rung.get("/notifications")["items"] == []
    assert rung.get("/notifications/counts") == {"total": 0, "unread": 0}


def test_a_missed_dose_replaces_its_telling_and_can_still_be_taken_from_the_bell(
    clock: StandingClock, ada: Caller
) -> None:
    reminder = ada.remind(ada.add_medicine(current_stock=6, min_stock_alert=0), "09:00", grace_minutes=30)
    for instant in ("2026-03-03T09:00:00+02:00", "2026-03-03T09:30:00+02:00"):
        clock.stand(instant)
        clock.tick()
    ada = ada.afresh()
    missed, due = ada.get("/notifications")["items"]

    assert (missed["type"], missed["kind"], missed["is_read"], missed["reminder_id"]) == (
        "reminder",
        "missed",
        False,
        reminder,
    )
    assert due["is_read"] is True
    assert ada.put(f"/notifications/{missed['id']}/taken")["action_taken"] == "taken"
    assert ada.get(f"/doses/{missed['dose_id']}")["status"] == "taken"


def test_a_message_names_the_zone_while_it_is_only_assumed(clock: StandingClock, anybody: Caller) -> None:
    ada = anybody.join("ada")
    assumed = ada.get("/auth/me")["time_zone"]
    now = f"{clock.now.astimezone(ZoneInfo(assumed)):%H:%M}"
    ada.remind(ada.add_medicine(), now)

    def newest() -> str:
        return str(ada.get("/notifications")["items"][0]["message"])

    assert newest() == f"Metformin - 1 tablet ({now}, {assumed} time)"
    ada.patch("/auth/me", {"time_zone": assumed})
    assert newest() == f"Metformin - 1 tablet ({now})"


def test_a_strangers_bell_is_ones_own(rung: Caller, bob: Caller) -> None:
    newest = rung.get("/notifications")["items"][0]["id"]

    assert bob.get("/notifications")["items"] == []
    assert bob.put("/notifications/read-all") == bob.delete("/notifications") == {"changed": 0}
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/read"), ("PUT", "/taken"), ("PUT", "/skipped")):
        strange = bob.refused(404, method, f"/notifications/{newest}{path}")
        assert strange == bob.refused(404, method, f"/notifications/999999{path}")
    assert rung.get("/notifications/counts") == {"total": 3, "unread": 3}
