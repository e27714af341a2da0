"""What a person says about themselves, and where they live."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.accounts import profile
from engine.accounts.access import Who
from engine.accounts.models import TimeZoneEntry
from engine.accounts.registration import register
from engine.errors import Invalid, NotFound
from tests.support.people import make_person

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
LATER = MORNING + timedelta(days=1)


def lived_in(session: Session, who: Who) -> list[tuple[datetime, str]]:
    statement = select(TimeZoneEntry.from_at, TimeZoneEntry.time_zone).where(TimeZoneEntry.user_id == who.person.id)
    return [(row[0], row[1]) for row in session.execute(statement.order_by(TimeZoneEntry.from_at))]


def with_an_assumed_zone(session: Session) -> Who:
    person = register(session, email="bob@example.com", password_hash="", assumed_time_zone="UTC", now=MORNING)
    return Who(person, actor_id=person.id, session_id=0)


def test_a_profile_shows_its_person(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    assert profile.me(session, ada) == {
        "id": ada.person.id,
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": None,
        "phone": None,
        "time_zone": "Europe/Riga",
        "time_zone_is_assumed": False,
        "created_at": MORNING,
        "updated_at": MORNING,
    }


def test_what_is_not_given_is_kept_and_null_clears(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    profile.update_profile(session, ada, given={"phone": "+371 20000000"}, now=LATER)
    changed = profile.update_profile(session, ada, given={"first_name": None, "email": "eve@example.com"}, now=LATER)
    assert (changed["first_name"], changed["phone"]) == (None, "+371 20000000")
    assert (changed["email"], changed["updated_at"]) == ("ada@example.com", LATER)


def test_a_move_is_a_dated_entry(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    moved = profile.update_profile(session, ada, given={"time_zone": "Asia/Tokyo"}, now=LATER)
    assert moved["time_zone"] == "Asia/Tokyo"
    assert lived_in(session, ada) == [(MORNING, "Europe/Riga"), (LATER, "Asia/Tokyo")]


def test_the_same_zone_again_is_no_move(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    profile.update_profile(session, ada, given={"time_zone": "Europe/Riga"}, now=LATER)
    assert lived_in(session, ada) == [(MORNING, "Europe/Riga")]


@pytest.mark.parametrize("chosen", ["UTC", "Asia/Tokyo"])
def test_a_choice_ends_the_assumption_even_if_it_was_right(session: Session, chosen: str) -> None:
    bob = with_an_assumed_zone(session)
    assert profile.me(session, bob)["time_zone_is_assumed"]
    changed = profile.update_profile(session, bob, given={"time_zone": chosen}, now=LATER)
    assert (changed["time_zone"], changed["time_zone_is_assumed"]) == (chosen, False)


def test_null_is_not_a_time_zone(session: Session) -> None:
    bob = with_an_assumed_zone(session)
    assert profile.update_profile(session, bob, given={"time_zone": None}, now=LATER)["time_zone_is_assumed"]


def test_a_zone_nobody_lives_in_is_refused(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    with pytest.raises(Invalid):
        profile.update_profile(session, ada, given={"time_zone": "Mars/Olympus"}, now=LATER)


def test_two_moves_at_one_instant_leave_the_last(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    for zone in ("Asia/Tokyo", "Asia/Seoul"):
        profile.update_profile(session, ada, given={"time_zone": zone}, now=LATER)
    assert lived_in(session, ada)[-1] == (LATER, "Asia/Seoul")


def test_a_stranger_has_no_profile(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    nobody = Who(type(ada.person)(ada.person.id + 1, 0, "UTC"), actor_id=ada.actor_id, session_id=0)
    with pytest.raises(NotFound):
        profile.me(session, nobody)
