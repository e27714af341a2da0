"""A person's ways of being reached: masked when shown, unreadable at rest."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import InvalidToken
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from engine.accounts.access import Who
from engine.notifications import addresses, channels
from engine.notifications.enrolment import Newcomer, enrol, sign_in
from engine.notifications.models import Channel
from engine.settings import load
from tests.support.messages import make_channel
from tests.support.people import LIFETIMES, known_hash, make_person

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture
def ada(session: Session) -> Who:
    return make_person(session, now=NOW)


def kept(session: Session, channel_id: int) -> Channel:
    return session.execute(select(Channel).where(Channel.id == channel_id)).scalar_one()


def test_a_channel_is_shown_with_its_address_masked(session: Session, ada: Who) -> None:
    channel_id = make_channel(session, ada, address="ada.lovelace@example.com", is_confirmed=False, now=NOW)
    assert channels.listing(session, ada) == [
        {"id": channel_id, "kind": "email", "label": "a…@example.com", "is_enabled": True, "confirmed_at": None}
    ]


def test_a_strangers_channels_are_not_listed(session: Session, ada: Who) -> None:
    make_channel(session, ada, now=NOW)
    assert channels.listing(session, make_person(session, name="cy", now=NOW)) == []


def test_nobody_who_reads_the_table_can_read_the_address(session: Session, ada: Who) -> None:
    channel_id = make_channel(session, ada, address="ada.lovelace@example.com", now=NOW)
    row = session.scalar(text("SELECT to_jsonb(c)::text FROM channels c WHERE id = :id"), {"id": channel_id})
    sealed = bytes(kept(session, channel_id).address)
    assert "lovelace" not in row
    assert b"lovelace" not in sealed
    assert addresses.unseal(sealed) == {"to": "ada.lovelace@example.com"}


def test_the_same_address_is_sealed_differently_each_time() -> None:
    assert addresses.seal({"to": "ada@example.com"}) != addresses.seal({"to": "ada@example.com"})


def test_an_address_sealed_under_another_key_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = addresses.seal({"to": "ada@example.com"})
    monkeypatch.setenv("SECRET_KEY", "another-key-for-tests-of-32-bytes-or-more")
    load.cache_clear()
    try:
        with pytest.raises(InvalidToken):
            addresses.unseal(sealed)
    finally:
        monkeypatch.undo()
        load.cache_clear()
    assert json.dumps(addresses.unseal(sealed)) == '{"to": "ada@example.com"}'


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ada@example.org", "a…@example.org"), ("a@example.org", "a…@example.org"), ("o'b@x.org", "o…@x.org")],
)
def test_a_masked_address_shows_one_letter_and_the_domain(address: str, shown: str) -> None:
    assert addresses.masked_email(address) == shown


def test_confirming_says_whose_it_is_and_keeps_the_first_time(session: Session, ada: Who) -> None:
    channel_id = make_channel(session, ada, is_confirmed=False, now=NOW)
    assert channels.confirm(session, channel_id, now=NOW) == ada.person.id
    assert channels.confirm(session, channel_id, now=LATER) == ada.person.id
    assert channels.listing(session, ada)[0]["confirmed_at"] == NOW


def test_confirming_what_is_not_there_confirms_nobody(session: Session) -> None:
    assert channels.confirm(session, 12345, now=NOW) is None


def test_an_unconfirmed_channel_may_be_used_for_three_days(session: Session, ada: Who) -> None:
    assert kept(session, make_channel(session, ada, now=NOW)).usable_until_at == NOW + timedelta(days=3)


# --- the first channel of an account --------------------------------------------------------------------------------


def join(session: Session, *, email_works: bool) -> Who:
    newcomer = Newcomer(" Ada@Example.com ", known_hash(), time_zone="Europe/Riga")
    enrolled = enrol(session, newcomer, assumed_time_zone="UTC", email_works=email_works, lifetimes=LIFETIMES, now=NOW)
    return Who(enrolled.person, enrolled.person.id, enrolled.tokens.session_id)


def test_where_mail_can_be_sent_the_address_of_an_account_is_its_first_channel(session: Session) -> None:
    ada = join(session, email_works=True)
    [channel] = channels.listing(session, ada)
    assert (channel["label"], channel["confirmed_at"]) == ("A…@Example.com", None)
    assert addresses.unseal(kept(session, channel["id"]).address) == {"to": "Ada@Example.com"}


def test_without_a_relay_there_is_no_channel_until_there_is_one(session: Session) -> None:
    ada = join(session, email_works=False)
    assert channels.listing(session, ada) == []

    def come_back(*, email_works: bool) -> int:
        sign_in(session, ada.person.id, remember=False, email_works=email_works, lifetimes=LIFETIMES, now=LATER)
        return len(channels.listing(session, ada))

    assert [come_back(email_works=works) for works in (False, True, True)] == [0, 1, 1]
    assert kept(session, channels.listing(session, ada)[0]["id"]).usable_until_at == LATER + timedelta(days=3)
