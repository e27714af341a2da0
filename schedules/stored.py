"""Rules as they are stored, read by the thousand: JSON text in, Rule out.

The text of most rules differs from that of others in nothing but their first and last day. Those are cut out, what is
left is decoded once and remembered, and each rule gets its own days back. `decode` decides all the same: what it
refuses is refused here, and a text that is laid out otherwise is merely slower to read.
"""

import json
import re
from datetime import date
from functools import lru_cache

from schedules.codec import decode
from schedules.rules import EndDate, Rule

_DATED = re.compile(r'"(start_date|date)": "([0-9]{4}-[0-9]{2}-[0-9]{2})"')
_SOME_DAY = "2000-01-01"


def decode_stored(text: str) -> Rule:
    """`decode` of a JSON text. Raises RuleError, and ValueError for what is no JSON."""
    pieces = _DATED.split(text)
    rest, names, days = tuple(pieces[::3]), tuple(pieces[1::3]), pieces[2::3]
    own = dict(zip(names, days, strict=True))
    if "start_date" not in own or len(own) < len(names):
        return decode(json.loads(text))
    try:
        start, end = date.fromisoformat(own["start_date"]), own.get("date")
        return _undated(rest, names).between(start, EndDate(date.fromisoformat(end)) if end else None)
    except ValueError:  # a day that is in no calendar, or an end before the start: `decode` says which, and where
        return decode(json.loads(text))


@lru_cache(maxsize=4096)
def _undated(rest: tuple[str, ...], names: tuple[str, ...]) -> Rule:
    """The rule as if it began, and ended if it does, on some day."""
    dated = [f'{piece}"{name}": "{_SOME_DAY}"' for piece, name in zip(rest, names, strict=False)]
    rule: Rule = decode(json.loads("".join([*dated, rest[-1]])))
    return rule
