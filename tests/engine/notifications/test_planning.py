"""Facts become notifications: one each, and only of those that are news."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Who
from engine.events import log
from engine.events.facts import DoseChanged, Fact, PrescriptionExpiring, StockChanged, StockLow
from engine.inventory import cabinet
from engine.notifications import planning
from engine.notifications.models import Channel
from engine.prescriptions import authoring
from engine.settings import Settings
from tests.support.medicines import make_medicine
from tests.support.messages import make_channel, waiting
from tests.support.people import make_person
from tests.support.reminders import bell
from tests.support.together import all_at_once

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
LINE = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Twice daily"}


def low(user_id: int, medicine_id: int = 7, *, seq: int = 3) -> StockLow:
    return StockLow(user_id, NOW, medicine_id, seq, Decimal("4.5"), date(2026, 3, 3))


def expiring(user_id: int, threshold: int, days_left: int) -> PrescriptionExpiring:
    return PrescriptionExpiring(user_id, NOW, 9, date(2026, 3, 3) + timedelta(days=days_left), threshold, days_left)


def told(session: Session, *facts: Fact) -> int:
    log.append(session, facts, now=NOW)
    return planning.tell(session, now=NOW)


@pytest.fixture
def ada(session: Session) -> Who:
    return make_person(session, now=NOW)


def test_a_low_stock_is_told_once_however_often_the_fact_comes(session: Session, ada: Who) -> None:
    assert told(session, low(ada.person.id)) == 1
    assert told(session, low(ada.person.id)) == 0
    assert told(session, low(ada.person.id), low(ada.person.id)) == 0

    [row] = bell(session, ada)
    assert (row["kind"], row["subject_id"], row["medicine_id"], row["data"]) == ("low_stock", 7, 7, {"on_hand": 4.5})
    assert (row["created_at"], row["read_at"]) == (NOW, None)


def test_running_low_again_is_news(session: Session, ada: Who) -> None:
    assert told(session, low(ada.person.id, seq=3), low(ada.person.id, seq=8)) == 2
    assert told(session, low(ada.person.id, 8, seq=3)) == 1


def test_each_threshold_of_a_prescription_is_told_once_on_its_own_day(session: Session, ada: Who) -> None:
    assert told(session, expiring(ada.person.id, 7, 7), expiring(ada.person.id, 3, 3)) == 2
    assert told(session, expiring(ada.person.id, 7, 7)) == 0
    assert [(row["slot"], row["data"]["days_left"]) for row in bell(session, ada)] == [(7, 7), (3, 3)]


def test_a_threshold_told_late_is_the_same_notification_as_in_time(session: Session, ada: Who) -> None:
    """The claim lies on the day of the threshold, not on the day of the telling."""
    in_time = PrescriptionExpiring(ada.person.id, NOW, 9, date(2026, 3, 10), 7, 7)
    late = PrescriptionExpiring(ada.person.id, NOW, 9, date(2026, 3, 10), 7, 5)
    assert told(session, in_time) == 1
    assert told(session, late) == 0


def test_a_new_end_of_a_prescription_is_told_of_anew(session: Session, ada: Who) -> None:
    assert told(session, expiring(ada.person.id, 7, 7)) == 1
    assert told(session, expiring(ada.person.id, 7, 6)) == 1


def test_what_the_person_knows_already_is_not_told(session: Session, ada: Who) -> None:
    taken = DoseChanged(ada.person.id, NOW, 1, 2, 3, "taken", 1, NOW)
    posted = StockChanged(ada.person.id, NOW, 7, 1, Decimal(-1), Decimal(5), "consumed")
    assert [planning.telling(fact) for fact in (taken, posted)] == [None, None]
    assert told(session, taken, posted) == 0
    assert bell(session, ada) == []


def test_every_fact_is_handed_to_the_planner_once(session: Session, ada: Who) -> None:
    log.append(session, [low(ada.person.id)], now=NOW)
    assert planning.tell(session, now=NOW) == 1
    assert planning.tell(session, now=NOW) == 0


@pytest.mark.usefixtures("environment")
def test_a_message_waits_for_each_channel_that_may_be_used(session: Session, ada: Who) -> None:
    confirmed = make_channel(session, ada, now=NOW)
    fresh = make_channel(session, ada, address="fresh@example.com", is_confirmed=False, now=NOW)
    make_channel(session, ada, address="stale@example.com", is_confirmed=False, now=NOW - timedelta(days=3))
    off = make_channel(session, ada, address="off@example.com", now=NOW)
    session.execute(update(Channel).where(Channel.id == off).values(is_enabled=False))
    make_channel(session, make_person(session, name="bob", now=NOW), address="bob@example.com", now=NOW)

    told(session, low(ada.person.id))

    assert {step["channel_id"] for step in waiting(session, ada)} == {confirmed, fresh}
    assert {step["ready_at"] for step in waiting(session, ada)} == {NOW}
    assert {step["expires_at"] for step in waiting(session, ada)} == {NOW + timedelta(days=1)}


@pytest.mark.usefixtures("environment")
def test_a_repeated_fact_sends_nothing_either(session: Session, ada: Who) -> None:
    make_channel(session, ada, now=NOW)
    told(session, low(ada.person.id))
    told(session, low(ada.person.id))
    assert len(waiting(session, ada)) == 1


def test_a_medicine_that_falls_to_its_alert_level_is_told_with_the_change_itself(session: Session, ada: Who) -> None:
    medicine_id = make_medicine(session, ada, stock=6, alert=5, now=NOW)
    cabinet.adjust_stock(session, ada, medicine_id, adjustment=Decimal("-0.5"), reason=None, now=NOW)
    assert planning.tell(session, now=NOW) == 0
    cabinet.adjust_stock(session, ada, medicine_id, adjustment=Decimal("-0.5"), reason=None, now=NOW)
    assert planning.tell(session, now=NOW) == 1
    cabinet.adjust_stock(session, ada, medicine_id, adjustment=Decimal(-1), reason=None, now=NOW)
    assert planning.tell(session, now=NOW) == 0


def test_a_prescription_written_a_week_before_its_end_is_told_with_it(session: Session, ada: Who) -> None:
    fields = {"doctor_name": "Dr. Who", "prescription_date": date(2026, 3, 3), "valid_until": date(2026, 3, 10)}
    authoring.create(session, ada, fields=fields, lines=[LINE], now=NOW)
    assert planning.tell(session, now=NOW) == 1
    assert [row["kind"] for row in bell(session, ada)] == ["prescription_expiry"]


def test_of_many_who_tell_the_same_fact_at_once_one_does(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=NOW)

    news = all_at_once(committed, lambda session: told(session, low(ada.person.id)), times=8)

    assert sorted(news) == [0] * 7 + [1]
    with committed() as session:
        assert len(bell(session, ada)) == 1


def test_a_fact_that_was_rolled_back_is_not_told(committed: sessionmaker[Session], environment: Settings) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=NOW)
    with committed() as session:
        assert told(session, low(ada.person.id)) == 1
        session.rollback()
    with committed() as session:
        assert bell(session, ada) == []
