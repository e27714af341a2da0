"""Make channels and messages for tests, and read back what waits and what became of it."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.events import log
from engine.events.facts import StockLow
from engine.notifications import channels, planning
from engine.notifications.models import Delivery, OutboxStep
from engine.settings import Settings
from tests.support.mailbox import HOST

SENDER = "reminders@pillio.example"


def make_channel(
    session: Session, who: Who, *, address: str = "ada@example.com", is_confirmed: bool = True, now: datetime
) -> int:
    """The person's e-mail, confirmed unless said otherwise."""
    channel_id = channels.add_email(session, who.person.id, address, now=now)
    if is_confirmed:
        channels.confirm(session, channel_id, now=now)
    return channel_id


def run_low(session: Session, who: Who, medicine_id: int, *, times: int = 1, now: datetime) -> int:
    """So many times the medicine ran low, each told; returns how many notifications are new."""
    facts = [
        StockLow(
            user_id=who.person.id,
            occurred_at=now,
            medicine_id=medicine_id,
            entry_seq=seq,
            on_hand=Decimal(5),
            local_date=date(2026, 3, 3),
        )
        for seq in range(times)
    ]
    log.append(session, facts, now=now)
    return planning.tell(session, now=now)


def waiting(session: Session, who: Who) -> list[RowMapping]:
    """The person's messages that are not settled."""
    statement = select(OutboxStep.__table__).where(OutboxStep.user_id == who.person.id)
    return list(session.execute(statement.order_by(OutboxStep.notification_id, OutboxStep.step)).mappings())


def became(session: Session, who: Who) -> list[RowMapping]:
    """What became of the person's messages, in order."""
    statement = select(Delivery.__table__).where(Delivery.user_id == who.person.id)
    return list(session.execute(statement.order_by(Delivery.recorded_at, Delivery.notification_id)).mappings())


def relay(port: int, **more: object) -> Settings:
    """This process's settings with a relay on that port."""
    said = {"smtp_host": HOST, "smtp_port": port, "smtp_tls": "none", "emails_from_email": SENDER, **more}
    return Settings(_env_file=None, **said)
