"""Names: when two are one, and how a search is taken literally."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from engine.errors import Conflict, NotFound
from engine.medicines import catalogue
from tests.support.medicines import make_medicine
from tests.support.people import make_person
from tests.support.together import all_at_once

MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Aspirin  500", "aspirin 500"), ("ĀBOLS", "ābols"), ("Straße", "STRASSE"), ("é", "e\u0301"), ("a\u00a0b", "A b")],
)
def test_case_and_spacing_do_not_make_another_name(one: str, other: str) -> None:
    assert catalogue.key_of(one) == catalogue.key_of(other)


@given(st.text())
def test_folding_a_name_again_changes_nothing(name: str) -> None:
    once = catalogue.key_of(name)
    assert catalogue.key_of(once) == once


def test_a_search_pattern_has_no_wildcards_of_its_own() -> None:
    assert catalogue.pattern_of(r" 50%_\ ") == r"%50\%\_\\%"


def test_a_hidden_medicine_stays_known_but_leaves_the_shelf(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    medicine_id = make_medicine(session, ada, now=MORNING)
    catalogue.hide(session, ada, medicine_id, now=MORNING)
    shelf, known = catalogue.shelf(), catalogue.ever_known()
    assert session.execute(select(shelf.c.id).where(shelf.c.id == medicine_id)).all() == []
    assert session.execute(select(known.c.is_hidden).where(known.c.id == medicine_id)).scalar_one()
    with pytest.raises(NotFound):
        catalogue.require(session, ada, medicine_id)
    with pytest.raises(NotFound):
        catalogue.hide(session, ada, medicine_id, now=MORNING)


def test_a_refused_name_leaves_the_transaction_usable(session: Session) -> None:
    ada = make_person(session, now=MORNING)
    make_medicine(session, ada, name="Aspirin", now=MORNING)
    medicine_id = make_medicine(session, ada, name="Metformin", now=MORNING)
    with pytest.raises(Conflict):
        catalogue.edit(session, ada, medicine_id, changes={"name": "aspirin"}, now=MORNING)
    assert catalogue.require(session, ada, medicine_id)["name"] == "Metformin"


def test_of_two_medicines_renamed_to_one_name_at_once_one_is_refused(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=MORNING)
        ids = iter([make_medicine(session, ada, name=name, now=MORNING) for name in ("one", "two")])

    def rename(session: Session) -> None:
        catalogue.edit(session, ada, next(ids), changes={"name": "three"}, now=MORNING)

    answers = all_at_once(committed, rename, times=2)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1
