"""One person per address, with a time zone from the first day."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts.access import Person
from engine.accounts.models import TimeZoneEntry, User
from engine.accounts.registration import canonical_email, register
from engine.errors import Conflict, Invalid
from engine.tables import shard_of
from tests.support.together import all_at_once

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def sign_up(session: Session, email: str = "ada@example.com", time_zone: str | None = None) -> Person:
    return register(
        session,
        email=email,
        password_hash="not looked at here",
        first_name="Ada",
        last_name=None,
        time_zone=time_zone,
        assumed_time_zone="Europe/Riga",
        now=MORNING,
    )


@pytest.mark.parametrize("other", ["ADA@example.com", "ada@EXAMPLE.com", " Ada@Example.Com ", "Ａda@example.com"])
def test_one_address_is_one_account_however_it_is_spelt(session: Session, other: str) -> None:
    sign_up(session)
    with pytest.raises(Conflict) as refused:
        sign_up(session, other)
    assert refused.value.code == "email_taken"


@pytest.mark.parametrize("address", ["ada@nas.local", "ada@home.lan", "ada@pillio.test"])
def test_an_address_of_a_households_own_mail_server_is_one(address: str) -> None:
    assert canonical_email(address) == (address, address)


def test_the_address_is_kept_as_typed() -> None:
    assert canonical_email(" Erika.Ģeriņa@Exämple.com ")[0] == "Erika.Ģeriņa@Exämple.com"
    assert canonical_email("Erika@Example.com") == ("Erika@Example.com", "erika@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@@example.com",
        "a b@example.com",
        "x" * 300 + "@example.com",
        "ada@exa\x00mple.com",
        "\ud800@example.com",
        "ada@example.com\nBcc: bob@example.com",
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        canonical_email(text)
    assert refused.value.code == "email_invalid"


def test_of_twenty_who_register_one_address_at_once_one_succeeds(committed: sessionmaker[Session]) -> None:
    answers = all_at_once(committed, sign_up)
    assert sum(isinstance(answer, Person) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19
    with committed() as session:
        assert session.execute(select(func.count()).select_from(User)).scalar_one() == 1


def test_a_zone_nobody_chose_is_assumed_and_says_so(session: Session) -> None:
    person = sign_up(session)
    user = session.get_one(User, person.id)
    assert (user.time_zone, user.time_zone_is_assumed) == ("Europe/Riga", True)


def test_a_chosen_zone_is_the_first_entry_of_the_history(session: Session) -> None:
    person = sign_up(session, time_zone="Asia/Tokyo")
    entry = session.execute(select(TimeZoneEntry).where(TimeZoneEntry.user_id == person.id)).scalar_one()
    assert (entry.from_at, entry.time_zone) == (MORNING, "Asia/Tokyo")
    assert not session.get_one(User, person.id).time_zone_is_assumed


@pytest.mark.parametrize("zone", ["", "Riga", "Europe/Atlantis", "../../etc/passwd", "localtime", "UTC\0"])
def test_a_zone_nobody_lives_in_is_refused(session: Session, zone: str) -> None:
    with pytest.raises(Invalid) as refused:
        sign_up(session, time_zone=zone)
    assert refused.value.code == "unknown_time_zone"


def test_a_person_lives_in_the_shard_of_their_id(session: Session) -> None:
    person = sign_up(session)
    session.expire_all()
    assert person.shard == session.get_one(User, person.id).shard == shard_of(person.id)


def test_the_address_of_a_deleted_account_is_free_again(session: Session) -> None:
    first = sign_up(session)
    session.get_one(User, first.id).deleted_at = MORNING
    session.flush()
    assert sign_up(session).id != first.id
