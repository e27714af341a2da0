"""Facts: what is stored and streamed of each, in JSON values that a client can read."""

import json
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.events.facts import DoseChanged, Fact, PrescriptionExpiring, StockChanged, StockLow

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
TAKEN = DoseChanged(7, NOW, 41, 2, 3, "taken", 1, datetime(2026, 3, 3, 8, 0, tzinfo=ZoneInfo("Europe/Riga")), NOW)
POSTED = StockChanged(7, NOW, 3, 9, Decimal("-0.500"), Decimal("5.500"), "consumed", 41)
LOW = StockLow(7, NOW, 3, 12, Decimal("4.125"), date(2026, 3, 3))
EXPIRING = PrescriptionExpiring(7, NOW, 5, date(2026, 3, 10), 7, 7)
ONE_OF_EACH = (TAKEN, POSTED, LOW, EXPIRING)


def test_a_dose_says_what_it_is_now_and_when_it_was_due() -> None:
    assert TAKEN.payload() == {
        "version": 1,
        "occurred_at": "2026-03-03T06:00:00+00:00",
        "dose_id": 41,
        "reminder_id": 2,
        "medicine_id": 3,
        "status": "taken",
        "revision": 1,
        "due_at": "2026-03-03T08:00:00+02:00",
        "taken_at": "2026-03-03T06:00:00+00:00",
        "snoozed_until": None,
        "is_uncounted": False,
    }


def test_amounts_are_numbers() -> None:
    payload = POSTED.payload()
    assert (payload["change_amount"], payload["new_stock"], payload["shortfall"]) == (-0.5, 5.5, 0.0)
    assert (LOW.payload()["on_hand"], LOW.payload()["local_date"]) == (4.125, "2026-03-03")
    assert EXPIRING.payload()["valid_until"] == "2026-03-10"


@pytest.mark.parametrize("fact", ONE_OF_EACH, ids=lambda fact: fact.kind)
def test_a_payload_is_json_names_its_version_and_not_its_person(fact: Fact) -> None:
    payload = fact.payload()
    assert json.loads(json.dumps(payload)) == payload
    assert set(payload) == {field.name for field in fields(fact)} - {"user_id"} | {"version"}


def test_there_is_one_of_each_here_and_every_kind_is_its_own() -> None:
    assert {fact.kind for fact in ONE_OF_EACH} == {kind.kind for kind in Fact.__subclasses__()}
    assert len({fact.kind for fact in ONE_OF_EACH}) == len(ONE_OF_EACH)


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        TAKEN.status = "skipped"  # type: ignore[misc]
