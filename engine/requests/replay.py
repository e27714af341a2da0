"""Answer a repeated request with its first answer.

The row of `answered_requests` is written in the transaction of the effect it stands for: both are there, or
neither. A second request under the same key waits for the first to commit, then gets its answer. What fails is not
kept: the caller rolls back, and the next try is a first one.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.errors import Invalid
from engine.requests.models import AnsweredRequest

CLICK = "click:"  # how the keys begin that no sender chose: the same again within seconds is one click too many
KEEP = timedelta(days=2)  # nobody repeats a request later than this and means the same one
_NEW = insert(AnsweredRequest)
_UNDER_KEY = [AnsweredRequest.user_id, AnsweredRequest.key]
_FIRST_EVER = _NEW.on_conflict_do_nothing(index_elements=_UNDER_KEY).returning(AnsweredRequest.user_id)
_FIRST_AGAIN = _NEW.on_conflict_do_update(  # a row whose time has run out is taken over by one of those who come
    index_elements=_UNDER_KEY,
    set_={"fingerprint": _NEW.excluded.fingerprint, "answer": None, "recorded_at": _NEW.excluded.recorded_at},
    where=AnsweredRequest.recorded_at < bindparam("outdated_before"),
).returning(AnsweredRequest.user_id)
_FIRST = select(AnsweredRequest.fingerprint, AnsweredRequest.answer).where(
    AnsweredRequest.user_id == bindparam("user_id"), AnsweredRequest.key == bindparam("key")
)


def once(
    session: Session,
    who: Who,
    *,
    key: str,
    fingerprint: str,
    within: timedelta | None,
    call: Callable[[], Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """What `call` answers, or what it answered under this key before; JSON values only, both times.

    `within`: for how long the key stands (None: as long as its row is kept). The key is the actor's. The same
    key with another fingerprint is another request under a used key: Invalid.
    """
    mine = {"user_id": who.actor_id, "key": key}
    if not _is_first(session, mine | {"fingerprint": fingerprint, "recorded_at": now}, within, now):
        return _first_answer(session, mine, fingerprint)
    answer: dict[str, Any] = json.loads(json.dumps(dict(call()), default=_plain))
    kept = update(AnsweredRequest).where(AnsweredRequest.user_id == who.actor_id, AnsweredRequest.key == key)
    session.execute(kept.values(answer=answer).execution_options(synchronize_session=False))
    return answer


def claim(session: Session, who: Who, *, key: str, now: datetime) -> bool:
    """Spend a key that is good for one use, such as a ticket: True for the first who comes."""
    values = {"user_id": who.actor_id, "key": key, "fingerprint": key, "recorded_at": now}
    return session.execute(_FIRST_EVER, values).scalar_one_or_none() is not None


def forget_clicks(session: Session, who: Who) -> None:
    """What was made may be gone now: a create like the one that made it is a new one."""
    mine = (AnsweredRequest.user_id == who.actor_id, AnsweredRequest.key.startswith(CLICK, autoescape=True))
    session.execute(delete(AnsweredRequest).where(*mine).execution_options(synchronize_session=False))


def prune(session: Session, *, now: datetime) -> int:
    """Forget answers older than two days; returns how many."""
    outdated = delete(AnsweredRequest).where(AnsweredRequest.recorded_at < now - KEEP)
    return len(session.execute(outdated.returning(AnsweredRequest.key)).all())


def _is_first(session: Session, values: dict[str, Any], within: timedelta | None, now: datetime) -> bool:
    """Enter the request. Whoever holds the key already is waited for."""
    if within is None:
        entered = session.execute(_FIRST_EVER, values)
    else:
        entered = session.execute(_FIRST_AGAIN, values | {"outdated_before": now - within})
    return entered.scalar_one_or_none() is not None


def _first_answer(session: Session, mine: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    first = session.execute(_FIRST, mine).one()
    if first.fingerprint != fingerprint:
        raise Invalid("idempotency_key_reused", "This idempotency key was used for another request.")
    answer: dict[str, Any] = first.answer
    return answer


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be kept as an answer")
