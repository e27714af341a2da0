"""When a stock figure in an edit is a count, and when it is an old form talking."""

from decimal import Decimal

import pytest

from engine.inventory.staleness import is_count


@pytest.mark.parametrize(
    ("sent", "on_hand", "recent", "others_changed", "counted"),
    [
        ("10", "10", [], True, False),  # as it is
        ("10", "10", [], False, False),
        ("10", "9", ["10", "9"], True, False),  # the form was opened before a dose
        ("10", "9", ["10", "9"], False, True),  # only the stock was touched: somebody counted
        ("9", "9.5", [], True, False),  # the form cuts to whole numbers
        ("10", "9.5", ["10.5", "9.5"], True, False),  # cut, and stale
        ("9", "9.5", [], False, True),
        ("12", "9", ["10", "9"], True, True),  # never served: counted
        ("0", "0.5", [], True, False),
    ],
)
def test_a_figure_the_form_may_have_been_served_is_not_a_count(
    sent: str, on_hand: str, recent: list[str], others_changed: bool, counted: bool
) -> None:
    balances = [Decimal(balance) for balance in recent]
    assert is_count(Decimal(sent), Decimal(on_hand), balances, others_changed=others_changed) is counted
