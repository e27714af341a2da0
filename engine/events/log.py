"""Append facts; hand them to the planner of the same transaction.

A fact is written by whoever changed the state, in the same transaction. What must be told about is planned by
`notifications.planning.tell` before that transaction commits: state, fact and notification live or die together.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from engine.events.facts import Fact
from engine.events.models import Event

# For statements that append facts by the thousand: what follows selects them. Nobody is told of those.
APPEND_SQL = "INSERT INTO events (recorded_at, user_id, kind, payload, occurred_at)"
_UNTOLD = "untold facts"


def append(session: Session, facts: Sequence[Fact], *, now: datetime) -> None:
    """Record what happened. `occurred_at` is the fact's own; `now` is when we heard."""
    if not facts:
        return
    rows = [
        {
            "recorded_at": now,
            "user_id": fact.user_id,
            "kind": fact.kind,
            "payload": fact.payload(),
            "occurred_at": fact.occurred_at,
        }
        for fact in facts
    ]
    session.execute(insert(Event), rows)
    session.info.setdefault(_UNTOLD, []).extend(facts)


def take_untold(session: Session) -> list[Fact]:
    """The facts appended in this transaction that nobody has planned for yet; each is handed out once."""
    untold: list[Fact] = session.info.pop(_UNTOLD, [])
    return untold
