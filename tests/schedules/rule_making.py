"""Rules for tests: short words for hand-written ones, Hypothesis strategies for the laws."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from schedules import Daily, DayFilter, EndDate, EveryNDays, Rule, TimeOfDay, Weekday, Weekdays

# Every kind of trouble: half-hour changes, changes at midnight, missing days, odd offsets, changes of rule lines.
ZONES = (
    *("Europe/Riga", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo"),
    *("Pacific/Apia", "America/Nuuk", "Pacific/Kiritimati", "America/Anchorage", "Pacific/Gambier", "Asia/Kathmandu"),
    *("Pacific/Kwajalein", "Africa/Casablanca", "America/Sao_Paulo", "Asia/Gaza", "Antarctica/Troll", "UTC"),
)


def rule(
    *clocks: str,
    tz: str = "Europe/Riga",
    start: str = "2020-01-01",
    end: str | None = None,
    days: DayFilter | None = None,
) -> Rule:
    """One tablet at each of the clock times."""
    return Rule(
        tzid=tz,
        start_date=date.fromisoformat(start),
        times=tuple(TimeOfDay(time.fromisoformat(at), 1440 + i, Decimal(1)) for i, at in enumerate(clocks)),
        days=days or Daily(),
        end=EndDate(date.fromisoformat(end)) if end else None,
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _amounts() -> st.SearchStrategy[Decimal]:
    return st.integers(1, 999_999_999).map(lambda thousandths: Decimal(thousandths).scaleb(-3))


def _times() -> st.SearchStrategy[tuple[TimeOfDay, ...]]:
    # Mostly the hours at which clocks change, or few rules would ever meet a gap.
    uneasy = st.builds(time, st.integers(0, 3), st.sampled_from([0, 15, 30, 45]))
    anywhere = st.times().map(lambda at: at.replace(microsecond=0))
    clocks = st.lists(uneasy | anywhere, min_size=1, max_size=5, unique=True)
    slots = st.lists(st.integers(1440, 32_767), min_size=5, max_size=5, unique=True)
    return st.builds(
        lambda ats, numbers, amount: tuple(TimeOfDay(at, n, amount) for at, n in zip(ats, numbers, strict=False)),
        clocks,
        slots,
        _amounts(),
    )


FILTERS: st.SearchStrategy[DayFilter] = st.one_of(
    st.just(Daily()),
    st.builds(EveryNDays, st.integers(1, 20) | st.integers(1, 365)),
    st.builds(Weekdays, st.frozensets(st.sampled_from(Weekday), min_size=1)),
)


@st.composite
def rules(draw: st.DrawFn, zones: tuple[str, ...] = ZONES) -> Rule:
    start = draw(st.dates(date(1950, 1, 1), date(2050, 12, 31)))
    end = draw(st.none() | st.integers(0, 4000).map(lambda days: EndDate(start + timedelta(days=days))))
    return Rule(draw(st.sampled_from(zones)), start, draw(_times()), draw(FILTERS), end)


def instants(first: int = 1960, last: int = 2060) -> st.SearchStrategy[datetime]:
    """UTC instants, microseconds and all; more of them close to changes of clocks than chance would give."""
    turns = (
        "2011-12-30",
        "1994-12-31",
        "2023-10-28",
        "2024-03-31",
        "2024-11-03",
        "2025-04-06",
        "2024-04-26",
        "1993-08-21",
    )
    near = st.builds(lambda day, off: utc(day) + off, st.sampled_from(turns), st.timedeltas(*_days(-3, 3)))
    return near | st.datetimes(
        *(datetime.fromisoformat(f"{year}-01-01") for year in (first, last)), timezones=st.just(UTC)
    )


def _days(low: int, high: int) -> tuple[timedelta, timedelta]:
    return timedelta(days=low), timedelta(days=high)


@st.composite
def windows(draw: st.DrawFn, longest: int = 60) -> tuple[datetime, datetime]:
    start = draw(instants())
    return start, start + draw(st.timedeltas(*_days(0, longest)))


@st.composite
def rules_and_windows(draw: st.DrawFn) -> tuple[Rule, datetime, datetime]:
    """A rule that was started at most two years before the window, so that most windows hold something."""
    start, end = draw(windows())
    begun = start.date() - timedelta(days=draw(st.integers(-20, 700)))
    lasts = draw(st.none() | st.integers(0, 900))
    stops = None if lasts is None else EndDate(begun + timedelta(days=lasts))
    return Rule(draw(st.sampled_from(ZONES)), begun, draw(_times()), draw(FILTERS), stops), start, end
