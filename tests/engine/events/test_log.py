"""Facts are appended in the transaction that made them so, and handed on once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from engine.events import log
from engine.events.facts import StockChanged
from engine.events.models import Event

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=5)


def posted(entry_id: int, user_id: int = 7) -> StockChanged:
    return StockChanged(user_id, EARLIER, 3, entry_id, Decimal(-1), Decimal(5), "consumed")


def kept(session: Session) -> list[Event]:
    return list(session.scalars(select(Event).order_by(Event.id)))


def test_a_fact_keeps_when_it_happened_and_when_we_heard(session: Session) -> None:
    log.append(session, [posted(1)], now=NOW)
    [event] = kept(session)
    assert (event.kind, event.user_id, event.occurred_at, event.recorded_at) == ("stock", 7, EARLIER, NOW)
    assert event.payload == posted(1).payload()


def test_facts_of_one_call_keep_their_order_and_their_transaction(session: Session) -> None:
    log.append(session, [posted(2), posted(1), posted(3, user_id=8)], now=NOW)
    assert [event.payload["entry_id"] for event in kept(session)] == [2, 1, 3]
    assert len({event.xid for event in kept(session)}) == 1


def test_nothing_is_appended_for_no_facts(session: Session) -> None:
    log.append(session, [], now=NOW)
    assert kept(session) == []
    assert log.take_untold(session) == []


def test_each_fact_is_handed_to_the_planner_once_in_order(session: Session) -> None:
    log.append(session, [posted(1)], now=NOW)
    log.append(session, [posted(2), posted(3)], now=NOW)
    assert log.take_untold(session) == [posted(1), posted(2), posted(3)]
    assert log.take_untold(session) == []


def test_a_fact_dies_with_its_transaction(committed: sessionmaker[Session]) -> None:
    with committed() as session:
        log.append(session, [posted(1)], now=NOW)
        session.rollback()
    with committed() as session:
        assert kept(session) == []
        assert log.take_untold(session) == []
