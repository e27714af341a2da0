"""Rules read from their text by the thousand are what `decode` reads, one by one."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import EndDate, Rule, RuleError, decode, decode_stored, encode
from tests.schedules.rule_making import rule, rules

BY_LENGTH = ("end", "days", "kind", "tzid", "times", "version", "zone_mode", "start_date")  # as PostgreSQL keeps them


def stored(subject: Rule) -> str:
    """The text of the column."""
    said = encode(subject)
    return json.dumps({key: said[key] for key in BY_LENGTH if key in said})


def outcome(text: str, *, at_once: bool) -> Rule | tuple[str, str, str] | str:
    try:
        return decode_stored(text) if at_once else decode(json.loads(text))
    except RuleError as error:
        return (error.code, error.detail, error.field)
    except ValueError as error:
        return str(error)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(rules())
def test_every_rule_reads_back_as_itself_however_it_is_laid_out(subject: Rule) -> None:
    for text in (stored(subject), json.dumps(encode(subject)), json.dumps(encode(subject), separators=(",", ":"))):
        assert decode_stored(text) == subject
        assert decode_stored(text) == subject  # now from memory


def test_rules_of_one_pattern_keep_their_own_zone_and_days() -> None:
    riga = rule("08:00", "20:00", start="2026-01-05")
    berlin = rule("08:00", "20:00", tz="Europe/Berlin", start="2025-12-31")
    ended = rule("08:00", "20:00", start="2026-01-05", end="2026-02-05")
    read = [decode_stored(stored(each)) for each in (riga, berlin, ended, riga)]
    assert read == [riga, berlin, ended, riga]
    assert read[0].times is read[1].times  # decoded once
    assert read[2].end == EndDate(date(2026, 2, 5))


SAID: dict[str, Any] = json.loads(stored(rule("08:00", start="2026-01-05", end="2026-03-01")))


@pytest.mark.parametrize(
    "change",
    [
        {"tzid": "Europe/Nowhere"},
        {"tzid": "europe/riga"},
        {"tzid": 7},
        {"start_date": "2026-02-30"},
        {"start_date": "2026-W01-1"},
        {"start_date": "20260105"},
        {"start_date": "2026-1-5"},
        {"start_date": "1234-01-01"},
        {"start_date": "2026-04-01"},  # after its end
        {"start_date": None},
        {"end": {"date": "2026-02-30"}},
        {"end": {"date": "2026-03-01", "start_date": "2026-01-05"}},
        {"end": "2026-03-01"},
        {"times": []},
        {"times": [{"at": "25:00", "amount": "1", "slot": 1440}]},
        {"zone_mode": "follow"},
        {"date": "2026-03-01"},
        {"version": 2},
        {},
    ],
    ids=str,
)
def test_what_decode_refuses_is_refused_in_the_same_words(change: dict[str, Any]) -> None:
    text = json.dumps(SAID | change)
    assert outcome(text, at_once=True) == outcome(text, at_once=False)


@pytest.mark.parametrize("key", ["tzid", "start_date", "times", "kind"])
def test_what_is_left_out_is_missed_in_the_same_words(key: str) -> None:
    text = json.dumps({name: value for name, value in SAID.items() if name != key})
    assert outcome(text, at_once=True) == outcome(text, at_once=False)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(rules(), st.data())
def test_a_text_with_a_piece_cut_out_is_read_alike_or_refused_alike(subject: Rule, data: st.DataObject) -> None:
    text = stored(subject)
    first = data.draw(st.integers(0, len(text)))
    cut = text[:first] + text[first + data.draw(st.integers(0, 12)) :]
    assert outcome(cut, at_once=True) == outcome(cut, at_once=False)
