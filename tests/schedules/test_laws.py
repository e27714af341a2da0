"""The laws of recurrence as properties."""

from datetime import date, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schedules import (
    Occurrence,
    Rule,
    decode,
    encode,
    expand,
    expand_with_windows,
    is_over,
    next_after,
    previous_before,
    to_local,
    window_of,
)
from schedules.days import EveryNDays, selected
from tests.schedules.rule_making import rules_and_windows

A_MICROSECOND = timedelta(microseconds=1)
Case = tuple[Rule, datetime, datetime]

few = settings(max_examples=40, deadline=None, derandomize=True, database=None)
many = settings(max_examples=80, deadline=None, derandomize=True, database=None)


@many
@given(rules_and_windows(), st.floats(0, 1))
def test_a_window_cut_anywhere_gives_the_same_doses(case: Case, where: float) -> None:
    rule, start, end = case
    middle = start + (end - start) * where
    assert expand(rule, start, end) == expand(rule, start, middle) + expand(rule, middle, end)


@many
@given(rules_and_windows())
def test_a_window_cut_at_every_dose_gives_the_same_doses(case: Case) -> None:
    rule, start, end = case
    doses = expand(rule, start, end)[:40]
    edges = [dose.at for dose in doses]
    pieces = [
        expand(rule, low, high)
        for low, high in zip(edges, [*edges[1:], edges[-1] + A_MICROSECOND] if edges else [], strict=True)
    ]
    assert pieces == [[dose] for dose in doses]


@many
@given(rules_and_windows())
def test_instants_strictly_increase_and_lie_in_the_window(case: Case) -> None:
    rule, start, end = case
    marks = [start - A_MICROSECOND, *(dose.at for dose in expand(rule, start, end)), end]
    assert all(earlier < later for earlier, later in pairwise(marks)) or marks[1:] == [end]


@few
@given(rules_and_windows())
def test_no_two_doses_share_an_identity(case: Case) -> None:
    doses = expand(*case)
    assert len({dose.identity for dose in doses}) == len(doses)


@few
@given(
    rules_and_windows(),
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(0), timedelta(days=40)),
)
def test_a_wider_window_cut_down_is_the_narrow_one(case: Case, before: timedelta, after: timedelta) -> None:
    rule, start, end = case
    wide = expand(rule, start - before, end + after)
    assert [dose for dose in wide if start <= dose.at < end] == expand(rule, start, end)


@many
@given(rules_and_windows())
def test_the_next_after_each_dose_is_the_one_that_follows(case: Case) -> None:
    rule, start, end = case
    assume(doses := expand(rule, start, end)[:25])
    assert next_after(rule, start - A_MICROSECOND) == doses[0]
    assert [next_after(rule, dose.at) for dose in doses[:-1]] == doses[1:]
    assert [previous_before(rule, dose.at) for dose in doses[1:]] == doses[:-1]
    assert previous_before(rule, doses[-1].at + A_MICROSECOND) == doses[-1]


@many
@given(rules_and_windows())
def test_the_neighbours_of_any_instant_are_the_nearest_doses_there_are(case: Case) -> None:
    rule, start, _ = case
    span = timedelta(days=800)
    around = expand(rule, start - span, start + span)
    if rule.start_date > (start - span).date() + timedelta(days=5):
        assert previous_before(rule, start) == max((d for d in around if d.at < start), key=_at, default=None)
    later = next_after(rule, start)
    assert later is None or later.at < start + span
    assert later == min((d for d in around if d.at > start), key=_at, default=None)


def _at(dose: Occurrence) -> datetime:
    return dose.at


@many
@given(rules_and_windows())
def test_clocks_show_the_planned_time_unless_the_dose_says_otherwise(case: Case) -> None:
    for dose in expand(*case):
        shown = to_local(dose.tzid, dose.at)
        assert dose.local.date() == dose.key_date
        assert (shown == dose.local) == (dose.adjusted is None) or (dose.adjusted == "merged" and shown > dose.local)


@few
@given(rules_and_windows())
def test_every_chosen_day_has_every_slot_or_a_dose_that_swallowed_it(case: Case) -> None:
    rule, start, end = case
    doses = expand(rule, start, end)
    assume(doses and all(dose.adjusted != "merged" for dose in doses))
    first, last = doses[0].key_date, doses[-1].key_date
    chosen = selected(rule.days, rule.start_date.toordinal(), first.toordinal() + 1, last.toordinal() - 1)
    whole = {(date.fromordinal(day), each.slot) for day in chosen for each in rule.times}
    assert whole == {(dose.key_date, dose.slot) for dose in doses if first < dose.key_date < last}


@few
@given(rules_and_windows())
def test_another_zone_keeps_dates_slots_and_wall_clocks(case: Case) -> None:
    rule, start, end = case
    start, end = start - timedelta(days=2), end + timedelta(days=2)
    naive = Rule("UTC", rule.start_date, rule.times, rule.days, rule.end)
    planned = {(dose.identity, dose.local) for dose in expand(naive, start, end)}
    inner = expand(rule, start + timedelta(days=2), end - timedelta(days=2))
    assert {(dose.identity, dose.local) for dose in inner} <= planned


@few
@given(rules_and_windows())
def test_a_zone_that_never_changes_is_the_naive_expansion_shifted(case: Case) -> None:
    rule, start, end = case
    tokyo, shift = Rule("Etc/GMT-9", rule.start_date, rule.times, rule.days, rule.end), timedelta(hours=9)
    naive = Rule("UTC", rule.start_date, rule.times, rule.days, rule.end)
    assert [d.at for d in expand(tokyo, start, end)] == [
        d.at - shift for d in expand(naive, start + shift, end + shift)
    ]


@few
@given(rules_and_windows())
def test_no_dose_lies_outside_the_rules_own_dates(case: Case) -> None:
    rule = case[0]
    last = rule.end.on if rule.end else date.max
    assert all(rule.start_date <= dose.key_date <= last for dose in expand(*case))


@few
@given(rules_and_windows())
def test_a_rule_read_back_from_json_gives_the_same_doses(case: Case) -> None:
    rule, start, end = case
    again = decode(encode(rule))
    assert again == rule
    assert expand(again, start, end) == expand(rule, start, end)


@few
@given(rules_and_windows(), st.none() | st.integers(1, 600))
def test_the_window_of_a_dose_does_not_depend_on_how_it_was_asked(case: Case, grace: int | None) -> None:
    rule, start, end = case
    timed = expand_with_windows(rule, start, end, grace)
    assert [each.occurrence for each in timed] == expand(rule, start, end)
    for dose, opens, closes in timed[:20]:
        assert opens <= dose.at < closes
        assert window_of(rule, dose, grace) == (opens, closes)


@many
@given(rules_and_windows(), st.none() | st.integers(1, 600), st.floats(0, 7), st.integers(0, 40))
def test_a_few_days_of_doses_and_windows_are_the_same_whoever_asked_for_them_before(
    case: Case, grace: int | None, days: float, periods: int
) -> None:
    rule, start, _ = case
    end = start + timedelta(days=days)
    others = rule.of(rule.tzid, rule.start_date - timedelta(days=periods * period_of(rule)), None)
    expand_with_windows(others, start, end, grace)  # of one pattern, and it may be remembered
    timed = expand_with_windows(rule, start, end, grace)
    assert [each.occurrence for each in timed] == expand(rule, start, end)
    assert [window_of(rule, dose, grace) for dose, _, _ in timed] == [each[1:] for each in timed]


def period_of(rule: Rule) -> int:
    """Begun so many days earlier, it has the same days ahead."""
    return rule.days.n if isinstance(rule.days, EveryNDays) else 1


@many
@given(rules_and_windows(), st.integers(-800, 1200))
def test_a_rule_is_over_when_nothing_follows(case: Case, days: int) -> None:
    rule, start, _ = case
    instant = start + timedelta(days=days)
    assert is_over(rule, instant) == (next_after(rule, instant) is None)
