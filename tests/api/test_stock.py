"""Stock by hand and its history over HTTP."""

from datetime import timedelta
from typing import Any

from tests.support.callers import Caller
from tests.support.standing import StandingClock


def adjust(caller: Caller, medicine: int, by: Any) -> Any:
    """As the client does: the body is `null`, the amount is in the query."""
    path = f"/medicines/{medicine}/adjust-stock?adjustment={by}"
    return caller.post(path, content=b"null", headers={"Content-Type": "application/json"})


def test_stock_is_added_and_taken_away_as_the_client_asks(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)

    assert adjust(ada, medicine, 20)["current_stock"] == 26
    assert adjust(ada, medicine, -26) == ada.get(f"/medicines/{medicine}")
    assert adjust(ada, medicine, "%2B1")["current_stock"] == 1
    entries = ada.get("/medicines/inventory-history")["items"]
    assert [
        (entry["change_type"], entry["change_amount"], entry["new_stock"], entry["notes"]) for entry in entries
    ] == [
        ("added", 1, 1, "Stock added - manual"),
        ("consumed", -26, 0, "Stock removed - manual"),
        ("added", 20, 26, "Stock added - manual"),
        ("added", 6, 6, "Initial stock"),
    ]


def test_the_body_may_say_it_as_well(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)

    assert (
        ada.post(f"/medicines/{medicine}/adjust-stock", {"adjustment": 0.5, "reason": "found one"})["current_stock"]
        == 6.5
    )
    assert ada.post(f"/medicines/{medicine}/adjust-stock?adjustment=-1&reason=lost", {})["current_stock"] == 5.5
    notes = [entry["notes"] for entry in ada.get("/medicines/inventory-history")["items"]]
    assert notes[:2] == ["Stock removed - lost", "Stock added - found one"]


def test_more_than_there_is_cannot_be_taken_away(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)

    problem = ada.refused(409, "POST", f"/medicines/{medicine}/adjust-stock?adjustment=-999")

    assert (problem["code"], problem["detail"]) == (
        "not_enough_stock",
        "There are only 6 left: nothing was changed.",
    )
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 6


def test_what_is_no_adjustment_is_refused_with_a_sentence(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    wrong = {
        "": "Please say how much to add or take away.",
        "?adjustment=0": "An adjustment adds or takes away something.",
        "?adjustment=many": "Adjustment must be a number.",
        "?adjustment=true": "Adjustment must be a number.",
        "?adjustment=NaN": "Adjustment must be a number.",
        "?adjustment=-Infinity": "Adjustment must be a number.",
        "?adjustment=0.0001": "Adjustment can have at most 3 decimals.",
        "?adjustment=1e400": "Adjustment must be at most 999999999.999.",
        f"?adjustment=-{'9' * 5000}": "Adjustment must be at least -999999999.999.",
        f"?adjustment=1&reason={'x' * 256}": "Reason can have at most 255 characters.",
    }
    for query, sentence in wrong.items():
        assert ada.refused(422, "POST", f"/medicines/{medicine}/adjust-stock{query}")["detail"] == sentence
    assert (
        ada.refused(422, "POST", f"/medicines/{medicine}/adjust-stock?adjustment=999999999")["code"]
        == "stock_too_large"
    )
    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 6
    ada.refused(404, "POST", "/medicines/999999/adjust-stock?adjustment=1")


def test_two_adjustments_alike_are_two(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    for _ in range(2):
        adjust(ada, medicine, 10)

    assert ada.get(f"/medicines/{medicine}")["current_stock"] == 26


def test_the_entry_of_a_dose_names_it(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6)
    dose = ada.post(f"/reminders/{ada.add_reminder(medicine)}/take", {})
    ada.post(f"/doses/{dose['id']}/undo")

    undone, taken, initial = ada.get("/medicines/inventory-history")["items"]

    assert set(taken) == {
        "id", "medicine_id", "medicine_name", "change_amount", "change_type", "previous_stock", "new_stock",
        "shortfall", "notes", "dose_id", "reverses_id", "occurred_at", "created_at",
    }  # fmt: skip
    assert [entry["dose_id"] for entry in (undone, taken, initial)] == [dose["id"], dose["id"], None]
    assert (taken["medicine_name"], taken["change_amount"], taken["previous_stock"], taken["new_stock"]) == (
        "Metformin",
        -1,
        6,
        5,
    )
    assert (undone["change_amount"], undone["reverses_id"]) == (1, taken["id"])


def test_taking_more_than_there_is_is_recorded_with_what_was_short(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=0.5)
    ada.post(f"/reminders/{ada.add_reminder(medicine)}/take", {})

    [entry] = ada.get("/medicines/inventory-history", params={"change_type": "consumed"})["items"]

    assert (entry["change_amount"], entry["shortfall"], entry["new_stock"]) == (-0.5, 0.5, 0)


def test_history_can_be_narrowed_in_every_way_the_client_does(clock: StandingClock, ada: Caller) -> None:
    first, second = ada.add_medicine("Aspirin", current_stock=10), ada.add_medicine("Zinc", current_stock=10)
    clock.move(days=1)
    ada = ada.afresh()
    adjust(ada, first, -1)
    adjust(ada, second, 1)

    def found(**narrowed: Any) -> list[tuple[str, int]]:
        page = ada.get("/medicines/inventory-history", params={"page": 1, "per_page": 20} | narrowed)
        assert page["total"] == len(page["items"])
        return [(entry["medicine_name"], entry["change_amount"]) for entry in page["items"]]

    yesterday, today = (f"{clock.now - timedelta(days=1):%Y-%m-%d}", f"{clock.now:%Y-%m-%d}")
    everything = [("Zinc", 1), ("Aspirin", -1), ("Zinc", 10), ("Aspirin", 10)]
    assert found() == everything
    assert found(start_date="2020-01-01", end_date=today) == everything
    assert found(start_date=today, end_date=today) == everything[:2]
    assert found(end_date=yesterday) == everything[2:]
    assert found(start_date=today, end_date=yesterday) == []
    assert found(change_type="consumed") == [("Aspirin", -1)]
    assert found(change_type="expired") == []
    assert found(medicine_id=first) == [("Aspirin", -1), ("Aspirin", 10)]
    assert found(medicine_id=999_999) == []
    assert ada.get("/medicines/inventory-history", params={"per_page": 3})["pages"] == 2
    assert "'added'" in ada.refused(422, "GET", "/medicines/inventory-history?change_type=stolen")["detail"]


def test_running_low_is_told_once_per_crossing(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6, min_stock_alert=5)

    def told() -> list[str]:
        return [each["message"] for each in ada.get("/notifications", params={"type": "low_stock"})["items"]]

    adjust(ada, medicine, -1)
    adjust(ada, medicine, -1)
    assert told() == ["Metformin is running low (5 tablets left)"]
    adjust(ada, medicine, 10)
    adjust(ada, medicine, -12)
    assert told() == ["Metformin is running low (2 tablets left)", "Metformin is running low (5 tablets left)"]
