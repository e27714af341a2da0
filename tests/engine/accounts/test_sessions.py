"""Signing in, staying signed in, and what a stolen token is worth."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts import sessions
from engine.accounts.access import Who, identify
from engine.accounts.models import RefreshToken, SignIn, User
from engine.accounts.sessions import Ended, Refreshed, Tokens
from engine.errors import NotAllowed
from tests.support.people import LIFETIMES, known_hash, make_person
from tests.support.together import all_at_once

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
KEY = b"signs refresh tokens, in tests.."
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def sign_in(session: Session, who: Who, *, remember: bool = False) -> Tokens:
    return sessions.open_session(session, who.person.id, remember=remember, lifetimes=LIFETIMES, now=MORNING)


def refreshed(session: Session, token: str, now: datetime) -> Refreshed:
    answer = sessions.refresh(session, token, key=KEY, now=now)
    assert isinstance(answer, Refreshed)
    return answer


def is_signed_in(session: Session, who: Who, session_id: int, now: datetime) -> bool:
    try:
        identify(session, who.person.id, session_id, None, now=now)
    except NotAllowed:
        return False
    return True


def test_a_refresh_gives_the_next_token_of_the_same_session(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    first = sign_in(session, ada)
    answer = refreshed(session, first.refresh_token, MORNING + HOUR)
    assert (answer.user_id, answer.session_id) == (ada.person.id, first.session_id)
    assert answer.refresh_token != first.refresh_token


def test_a_token_is_kept_only_as_its_hash(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    first = sign_in(session, ada)
    second = refreshed(session, first.refresh_token, MORNING)
    kept = set(session.scalars(select(RefreshToken.token_hash)))
    assert kept.isdisjoint({first.refresh_token, second.refresh_token})


def test_a_lost_answer_signs_nobody_out(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    token = sign_in(session, ada).refresh_token
    first = refreshed(session, token, MORNING + HOUR)
    again = refreshed(session, token, MORNING + HOUR + DAY)
    assert first == again
    refreshed(session, again.refresh_token, MORNING + HOUR + DAY)


def test_after_a_day_a_spent_token_ends_the_family(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    first = sign_in(session, ada)
    refreshed(session, first.refresh_token, MORNING)
    late = MORNING + DAY + timedelta(seconds=1)
    assert sessions.refresh(session, first.refresh_token, key=KEY, now=late) == Ended(ada.person.id, first.session_id)
    assert not is_signed_in(session, ada, first.session_id, late)


def test_a_token_whose_successor_was_used_ends_the_family_for_both(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    first = sign_in(session, ada)
    second = refreshed(session, first.refresh_token, MORNING)
    third = refreshed(session, second.refresh_token, MORNING + HOUR)
    stolen = sessions.refresh(session, first.refresh_token, key=KEY, now=MORNING + HOUR)
    assert isinstance(stolen, Ended)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, third.refresh_token, key=KEY, now=MORNING + HOUR)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, first.refresh_token, key=KEY, now=MORNING + HOUR)


def test_reuse_on_one_device_leaves_the_others_signed_in(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    phone, laptop = sign_in(session, ada), sign_in(session, ada)
    second = refreshed(session, phone.refresh_token, MORNING)
    refreshed(session, second.refresh_token, MORNING)
    sessions.refresh(session, phone.refresh_token, key=KEY, now=MORNING)
    assert is_signed_in(session, ada, laptop.session_id, MORNING)
    refreshed(session, laptop.refresh_token, MORNING)


@pytest.mark.parametrize(("remember", "days"), [(False, 7), (True, 30)])
def test_an_unused_sign_in_lasts_as_long_as_was_asked(session: Session, remember: bool, days: int) -> None:
    ada = make_person(session, now=MORNING)
    tokens = sign_in(session, ada, remember=remember)
    end = MORNING + timedelta(days=days)
    assert tokens.expires_at == end
    assert is_signed_in(session, ada, tokens.session_id, end - HOUR)
    assert not is_signed_in(session, ada, tokens.session_id, end)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, tokens.refresh_token, key=KEY, now=end)


def test_a_sign_in_slides_with_use_for_a_year_at_most(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    tokens = sign_in(session, ada)
    token, now = tokens.refresh_token, MORNING
    for _ in range(61):
        now += 6 * DAY
        if now >= MORNING + sessions.SESSION_MAX:
            break
        token = refreshed(session, token, now).refresh_token
    assert is_signed_in(session, ada, tokens.session_id, now - DAY)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, token, key=KEY, now=MORNING + sessions.SESSION_MAX)


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 10_000, "\ud800", "nul\0"])
def test_a_token_we_never_issued_is_refused(session: Session, token: str) -> None:
    with pytest.raises(NotAllowed):
        sessions.refresh(session, token, key=KEY, now=MORNING)


def test_signing_out_ends_the_session_and_its_tokens(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    tokens = sign_in(session, ada)
    for _ in range(2):
        sessions.revoke(session, tokens.session_id, ada.person.id, now=MORNING)
    assert not is_signed_in(session, ada, tokens.session_id, MORNING)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, tokens.refresh_token, key=KEY, now=MORNING)


def test_nobody_signs_another_person_out(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    sessions.revoke(session, ada.session_id, bob.person.id, now=MORNING)
    assert is_signed_in(session, ada, ada.session_id, MORNING)


def test_the_other_devices_can_be_signed_out(session: Session) -> None:
    ada, bob = make_person(session, now=MORNING), make_person(session, name="bob", now=MORNING)
    phone = sign_in(session, ada)
    sessions.revoke_others(session, ada.person.id, keep_session_id=phone.session_id, now=MORNING)
    signed_in = [is_signed_in(session, ada, one, MORNING) for one in (ada.session_id, phone.session_id)]
    assert signed_in == [False, True]
    sessions.revoke_others(session, ada.person.id, now=MORNING)
    assert not is_signed_in(session, ada, phone.session_id, MORNING)
    assert is_signed_in(session, bob, bob.session_id, MORNING)


def test_a_changed_key_cannot_repeat_a_lost_answer_but_accuses_nobody(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    tokens = sign_in(session, ada)
    second = refreshed(session, tokens.refresh_token, MORNING)
    with pytest.raises(NotAllowed):
        sessions.refresh(session, tokens.refresh_token, key=b"another key of thirty-two bytes!", now=MORNING)
    refreshed(session, second.refresh_token, MORNING)


def test_the_tokens_of_a_deleted_person_are_worth_nothing(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    tokens = sign_in(session, ada)
    session.get_one(User, ada.person.id).deleted_at = MORNING
    session.flush()
    with pytest.raises(NotAllowed):
        sessions.refresh(session, tokens.refresh_token, key=KEY, now=MORNING)
    assert sessions.credentials(session, "ada@example.com") is None


def test_credentials_are_found_by_the_canonical_address(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    found = sessions.credentials(session, "ada@example.com")
    assert found is not None
    assert (found.id, found.password_hash) == (ada.person.id, known_hash())
    assert sessions.credentials(session, "nobody@example.com") is None


def test_twenty_refreshes_of_one_token_at_once_get_one_successor(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        tokens = sign_in(session, ada)
    answers = all_at_once(committed, lambda session: refreshed(session, tokens.refresh_token, MORNING + HOUR))
    assert len(set(map(repr, answers))) == 1
    with committed() as session:
        live = (
            select(func.count())
            .select_from(RefreshToken)
            .where(RefreshToken.session_id == tokens.session_id, RefreshToken.used_at.is_(None))
        )
        assert session.execute(live).scalar_one() == 1
        assert session.get_one(SignIn, tokens.session_id).revoked_at is None
