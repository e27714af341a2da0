"""The zone a person says they live in, and their doses with them."""

from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from engine.accounts.models import User
from engine.dispatch import residence
from tests.support.reminders import World, doses_of, make_world

EARLY = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)


def living_in_an_assumed_zone(session: Session) -> World:
    ada = make_world(session, time_zone="UTC", at="20:00", now=EARLY)
    session.execute(update(User).where(User.id == ada.who.person.id).values(time_zone_is_assumed=True))
    return ada


def hours(session: Session, world: World) -> set[int]:
    return {dose["due_at"].astimezone(UTC).hour for dose in doses_of(session, world.reminder_id)}


def test_the_first_choice_of_a_zone_moves_the_doses_and_a_later_one_does_not(session: Session) -> None:
    ada = living_in_an_assumed_zone(session)
    assert hours(session, ada) == {20}
    residence.save_profile(session, ada.who, given={"time_zone": "Europe/Riga"}, now=EARLY)
    assert hours(session, ada) == {18}
    residence.save_profile(session, ada.who, given={"time_zone": "Asia/Tokyo"}, now=EARLY)
    assert hours(session, ada) == {18}


def test_saving_a_name_chooses_no_zone(session: Session) -> None:
    ada = living_in_an_assumed_zone(session)
    residence.save_profile(session, ada.who, given={"first_name": "Ada"}, now=EARLY)
    assert hours(session, ada) == {20}
