"""Rules as they are stored, read by the thousand: JSON text in, Rule out.

The text of most rules differs from that of others in nothing but the zone and the first and last day. Those are cut
out, what is left is decoded once and remembered, and each rule gets its own back. `decode` decides all the same: what
it refuses is refused here, and a text that is laid out otherwise is merely slower to read.
"""

import json
import re
from datetime import date
from functools import lru_cache

from schedules.codec import decode
from schedules.rules import EndDate, Rule

_OWN = re.compile(r'"(tzid|start_date|date)": "([A-Za-z0-9/_+-]+)"')
_SOMEBODYS = {"tzid": "UTC", "start_date": "2000-01-01", "date": "2000-01-01"}


def decode_stored(text: str) -> Rule:
    """`decode` of a JSON text. Raises RuleError, and ValueError for what is no JSON."""
    pieces = _OWN.split(text)
    rest, names = tuple(pieces[::3]), tuple(pieces[1::3])
    own = dict(zip(names, pieces[2::3], strict=True))
    try:
        end = EndDate(_day(own["date"])) if "date" in own else None
        return _pattern(rest, names).of(own["tzid"], _day(own["start_date"]), end)
    except (KeyError, ValueError):  # something is not as it should be: `decode` says what, and where
        return decode(json.loads(text))


@lru_cache(maxsize=4096)
def _pattern(rest: tuple[str, ...], names: tuple[str, ...]) -> Rule:
    """The rule as if it were somebody's in UTC who began, and ended if one does, on some day."""
    if len(set(names)) < len(names):
        raise ValueError("a key that is there twice")
    somebodys = [f'{piece}"{name}": "{_SOMEBODYS[name]}"' for piece, name in zip(rest, names, strict=False)]
    rule: Rule = decode(json.loads("".join([*somebodys, rest[-1]])))
    return rule


def _day(text: str) -> date:
    """As `decode` reads it: `fromisoformat` alone would take weeks and days without hyphens, too."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise ValueError(text)
    return date.fromisoformat(text)
