"""The sentence for a rule."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from schedules import EveryNDays, Rule, TimeOfDay, Weekday, Weekdays, explain
from tests.schedules.rule_making import rule

MO_TH = Weekdays(frozenset({Weekday.TH, Weekday.MO}))
TODAY = date(2026, 3, 3)
MIXED = (
    TimeOfDay(time(8), 1440, Decimal("0.5")),
    TimeOfDay(time(12), 1441, Decimal("0.5")),
    TimeOfDay(time(20, 0, 30), 1442, Decimal(2)),
)


@pytest.mark.parametrize(
    ("subject", "unit", "today", "words"),
    [
        (rule("08:00", start="2026-03-03"), "tablet", TODAY, "1 tablet at 08:00 every day"),
        (rule("08:00", start="2026-03-04"), "tablet", TODAY, "1 tablet at 08:00 every day, from 4 March"),
        (rule("08:00", start="2027-03-04"), "tablet", TODAY, "1 tablet at 08:00 every day, from 4 March 2027"),
        (rule("08:00", start="2026-03-03"), "tablet", None, "1 tablet at 08:00 every day, from 3 March 2026"),
        (
            rule("08:00", start="2026-03-03", end="2026-03-10"),
            "tablet",
            None,
            "1 tablet at 08:00 every day, from 3 March until 10 March 2026",
        ),
        (
            rule("08:00", start="2025-12-30", end="2026-03-10"),
            "tablet",
            None,
            "1 tablet at 08:00 every day, from 30 December 2025 until 10 March 2026",
        ),
        (
            rule("08:00", start="2026-01-01", end="2026-03-10"),
            "tablet",
            TODAY,
            "1 tablet at 08:00 every day, until 10 March",
        ),
        (rule("08:00", days=MO_TH), "tablet", TODAY, "1 tablet at 08:00 on Mondays and Thursdays"),
        (rule("08:00", days=Weekdays(frozenset(Weekday))), "tablet", TODAY, "1 tablet at 08:00 every day"),
        (rule("08:00", days=EveryNDays(3)), "drops", TODAY, "1 drop at 08:00 every 3 days"),
        (rule("08:00", days=EveryNDays(1)), "ml", TODAY, "1 ml at 08:00 every day"),
        (rule("08:00", "14:00", "20:00"), "patch", TODAY, "1 patch at 08:00, 14:00 and 20:00 every day"),
        (
            replace(rule("08:00"), times=MIXED),
            "tablet",
            TODAY,
            "0.5 tablet at 08:00 and 12:00 and 2 tablets at 20:00:30 every day",
        ),
        (rule("08:00"), "", TODAY, "1 at 08:00 every day"),
    ],
)
def test_a_rule_is_said_as_a_pharmacist_would(subject: Rule, unit: str, today: date | None, words: str) -> None:
    assert explain(subject, unit, today) == words
