"""The generated parts of the documents are what the code says today."""

from types import ModuleType

import pytest

from engine.metadata import metadata
from tests.architecture import data_model, dose_lifecycle
from tests.architecture.meanings import MEANINGS
from tests.architecture.pages import stands


@pytest.mark.parametrize("page", [data_model, dose_lifecycle], ids=lambda page: page.PAGE)
def test_a_page_is_up_to_date(page: ModuleType) -> None:
    assert stands(page.PAGE, page.GENERATOR) == page.written(), f"run: python -m {page.GENERATOR}"


def test_no_reason_is_given_for_an_index_or_a_constraint_that_is_gone() -> None:
    named = {str(each.name) for table in metadata.tables.values() for each in (*table.constraints, *table.indexes)}

    assert set(MEANINGS) <= named


def test_no_cause_is_given_for_a_move_that_cannot_happen() -> None:
    moves = {*dose_lifecycle.OWN_MOVES, *dose_lifecycle._tried()}

    assert set(dose_lifecycle.CAUSES) == moves
