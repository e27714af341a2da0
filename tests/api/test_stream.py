"""The live stream over HTTP."""

from collections.abc import Iterator

import pytest
import redis

from engine.settings import Settings
from tests.support.callers import Caller
from tests.support.listening import listening


@pytest.fixture
def broker(environment: Settings) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(environment.redis_url) as client:
        yield client


def test_what_happens_is_told_to_who_listens(ada: Caller) -> None:
    medicine = ada.add_medicine(current_stock=6, min_stock_alert=5)
    with listening(ada) as heard:
        reminder = ada.add_reminder(medicine)
        heard.wait_for(lambda each: each.of("notification"))
        dose = ada.post(f"/reminders/{reminder}/take", {})
        heard.wait_for(lambda each: each.of("dose") and each.of("stock") and len(each.of("notification")) == 2)

    due, low = heard.of("notification")
    assert (due["kind"], due["dose_id"]) == ("due", dose["id"])
    assert (low["type"], low["medicine_id"]) == ("low_stock", medicine)
    assert [(each["dose_id"], each["status"]) for each in heard.of("dose")] == [(dose["id"], "taken")]
    assert [(each["new_stock"], each["dose_id"]) for each in heard.of("stock")] == [(5, dose["id"])]
    assert all(each.data["id"] for each in heard.heard)


def test_a_stranger_is_told_nothing(ada: Caller, bob: Caller) -> None:
    with listening(bob) as heard:
        ada.add_reminder(ada.add_medicine())
        bob.add_medicine("Aspirin")
        heard.wait_for(lambda each: each.of("stock"))

    assert len(heard.of("stock")) == 1
    assert heard.of("notification") == []


def test_who_comes_back_hears_what_was_missed_and_can_tell_what_came_again(ada: Caller) -> None:
    with listening(ada) as before:
        first = ada.add_medicine("Aspirin")
        before.wait_for(lambda each: each.of("stock"))
    second = ada.add_medicine("Metformin")

    known = {stock["id"] for stock in before.of("stock")}

    with listening(ada, last_event_id=before.cursor) as after:
        after.wait_for(lambda each: {stock["id"] for stock in each.of("stock")} - known)
        ada.post(f"/medicines/{second}/adjust-stock?adjustment=1")
        after.wait_for(lambda each: len({stock["id"] for stock in each.of("stock")} - known) == 2)

    heard = {each["id"]: each["medicine_id"] for each in (*before.of("stock"), *after.of("stock"))}
    assert sorted(heard.values()) == [first, second, second]


def test_who_comes_for_the_first_time_hears_only_what_follows(ada: Caller) -> None:
    ada.add_medicine("Aspirin")
    with listening(ada) as heard:
        second = ada.add_medicine("Metformin")
        heard.wait_for(lambda each: each.of("stock"))

    assert [each["medicine_id"] for each in heard.of("stock")] == [second]


@pytest.mark.parametrize("cursor", ["another-database-7", "7", "nonsense"])
def test_a_cursor_that_is_not_understood_means_load_afresh(ada: Caller, cursor: str) -> None:
    with listening(ada, last_event_id=cursor) as heard:
        heard.wait_for(lambda each: each.of("resync"))

    assert [each.event for each in heard.heard] == ["resync", "hello"]


def test_a_lost_call_costs_seconds_and_no_row(ada: Caller, broker: "redis.Redis") -> None:
    with listening(ada) as heard:
        broker.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        medicine = ada.add_medicine("Aspirin")
        heard.wait_for(lambda each: each.of("stock"))

    assert [each["medicine_id"] for each in heard.of("stock")] == [medicine]


def test_signing_out_closes_the_stream(ada: Caller) -> None:
    with listening(ada) as heard:
        ada.post("/auth/logout")
        heard.wait_for(lambda each: each.has_ended)

    assert ada.call("GET", "/auth/me").status_code == 401


def test_a_ticket_opens_the_stream_once_and_needs_no_header(ada: Caller, anybody: Caller) -> None:
    path = "/api/v1/notifications/stream?ticket=" + ada.post("/notifications/stream/ticket")["ticket"]
    with listening(anybody, url=path) as heard:
        ada.add_medicine("Aspirin")
        heard.wait_for(lambda each: each.of("stock"))

    again = anybody.http.get(path)
    assert (again.status_code, again.json()["code"]) == (401, "ticket_spent")


def test_a_ticket_is_no_access_token_and_an_access_token_no_ticket(ada: Caller, anybody: Caller) -> None:
    assert ada.tokens
    ticket = ada.post("/notifications/stream/ticket")["ticket"]
    as_token = anybody.call("GET", "/medicines", headers={"Authorization": f"Bearer {ticket}"})
    as_ticket = anybody.http.get("/api/v1/notifications/stream", params={"ticket": ada.tokens["access_token"]})

    assert [as_token.status_code, as_ticket.status_code] == [401, 401]


def test_nobody_listens_without_signing_in(anybody: Caller) -> None:
    answer = anybody.http.get("/api/v1/notifications/stream")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
