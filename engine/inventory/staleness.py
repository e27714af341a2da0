"""Pure: what a stock figure sent along with an edit means.

The old form sends back the stock it was served, whatever else was edited, and cuts it to a whole number. Taking
that for a count would undo every dose taken since the form was opened.
"""

from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal

REMEMBERED = timedelta(hours=24)  # a form left open longer than this is not believed to be merely stale


def is_count(sent: Decimal, on_hand: Decimal, recent: Iterable[Decimal], *, others_changed: bool) -> bool:
    """Did somebody count? `recent` are the balances of the last day, the present one included or not.

    If the stock is all that changed, yes. If other fields changed too, only when the figure is not one that the
    form may have been served.
    """
    if sent == on_hand:
        return False
    if not others_changed:
        return True
    served = {on_hand, *recent}
    return sent not in served and sent not in {balance.to_integral_value(ROUND_DOWN) for balance in served}
