"""When the end of a prescription is told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts import profile
from engine.accounts.access import Who
from engine.events.facts import PrescriptionExpiring
from engine.events.log import take_untold
from engine.prescriptions import authoring, expiry
from engine.prescriptions.models import Prescription
from tests.support.people import make_person
from tests.support.together import all_at_once

END = date(2026, 12, 31)
RIGA = ZoneInfo("Europe/Riga")
LINE = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Twice daily"}
ZONES = st.sampled_from(["Europe/Riga", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York", "UTC"])


def riga(month: int, day: int, hour: int = 9, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=RIGA)


def prescribe(session: Session, who: Who, *, now: datetime, valid_until: date | None = END, **fields: object) -> int:
    given = {"doctor_name": "Dr. Who", "prescription_date": date(2026, 1, 1), "valid_until": valid_until, **fields}
    prescription_id: int = authoring.create(session, who, fields=given, lines=[LINE], now=now)["id"]
    return prescription_id


def told(session: Session) -> list[tuple[int, int]]:
    return [
        (fact.threshold_days, fact.days_left) for fact in take_untold(session) if isinstance(fact, PrescriptionExpiring)
    ]


@pytest.mark.parametrize(
    ("days_left", "threshold"),
    [
        (31, None),
        (30, 30),
        (29, 30),
        (15, 30),
        (14, 14),
        (8, 14),
        (7, 7),
        (4, 7),
        (3, 3),
        (2, 3),
        (1, 1),
        (0, 1),
        (-1, None),
    ],
)
def test_only_the_nearest_threshold_passed_counts(days_left: int, threshold: int | None) -> None:
    assert expiry.nearest_passed(days_left) == threshold


def test_a_notice_is_at_nine_on_the_persons_wall_clock_in_winter_and_summer() -> None:
    assert expiry.notice_at(date(2026, 12, 31), 1, "Europe/Riga") == datetime(2026, 12, 30, 7, tzinfo=UTC)
    assert expiry.notice_at(date(2026, 7, 31), 1, "Europe/Riga") == datetime(2026, 7, 30, 6, tzinfo=UTC)


@given(end=st.dates(date(2000, 1, 1), date(2100, 1, 1)), zone=ZONES, back=st.integers(-5, 60), hour=st.integers(0, 23))
def test_after_telling_at_once_the_next_notice_lies_ahead_and_is_nearer_the_end(
    end: date, zone: str, back: int, hour: int
) -> None:
    now = datetime.combine(end - timedelta(days=back), datetime.min.time(), UTC) + timedelta(hours=hour)
    notice = expiry.at_once(end, zone, now)
    assert notice.next_at is None or notice.next_at > now
    assert (notice.next_at is None) == (notice.days_left < 0 or notice.threshold == 1)


@given(end=st.dates(date(2000, 1, 1), date(2100, 1, 1)), zones=st.lists(ZONES, min_size=1, max_size=4))
def test_a_sweep_that_is_never_late_tells_each_threshold_once_wherever_the_person_moves(
    end: date, zones: list[str]
) -> None:
    first = expiry.at_once(end, zones[0], datetime.combine(end - timedelta(days=40), datetime.min.time(), UTC))
    heard, at, looks = [], first.next_at, 0
    while at is not None:
        zone = zones[looks % len(zones)] if looks < 20 else zones[0]
        notice = expiry.by_sweep(end, zone, at, at)
        heard += [] if notice.threshold is None else [notice.threshold]
        assert notice.next_at is None or notice.next_at > at
        at, looks = notice.next_at, looks + 1
    assert heard == [30, 14, 7, 3, 1]


def test_a_prescription_written_long_before_its_end_is_told_of_at_thirty_days(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    prescribe(session, ada, now=riga(10, 1))
    assert expiry.sweep(session, now=riga(12, 1, 8, 59), limit=10) == 0
    assert expiry.sweep(session, now=riga(12, 1, 9, 0), limit=10) == 1
    assert expiry.sweep(session, now=riga(12, 1, 9, 1), limit=10) == 0
    assert told(session) == [(30, 30)]


def test_a_prescription_written_inside_a_threshold_is_told_of_at_once_at_any_hour(session: Session) -> None:
    ada = make_person(session, now=riga(12, 21))
    prescribe(session, ada, now=riga(12, 21, 3))  # ten days left
    assert told(session) == [(14, 10)]
    expiry.sweep(session, now=riga(12, 24), limit=10)
    assert told(session) == [(7, 7)]


def test_on_the_morning_of_a_threshold_it_is_not_told_twice(session: Session) -> None:
    ada = make_person(session, now=riga(12, 17))
    prescribe(session, ada, now=riga(12, 17, 8))
    expiry.sweep(session, now=riga(12, 17, 9), limit=10)
    assert told(session) == [(14, 14)]


def test_after_an_outage_only_the_nearest_threshold_is_told(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    prescribe(session, ada, now=riga(10, 1))
    expiry.sweep(session, now=riga(12, 29, 12), limit=10)
    assert told(session) == [(3, 2)]


def test_an_expired_prescription_is_told_of_no_more(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    prescribe(session, ada, now=riga(10, 1))
    assert expiry.sweep(session, now=riga(1, 1, 0, year=2027), limit=10) == 1
    assert expiry.sweep(session, now=riga(1, 2, year=2027), limit=10) == 0
    assert told(session) == []


@pytest.mark.parametrize("fields", [{"is_active": False}, {"valid_until": None}])
def test_without_an_end_or_put_away_nothing_is_told(session: Session, fields: dict[str, Any]) -> None:
    ada = make_person(session, now=riga(12, 30))
    prescribe(session, ada, now=riga(12, 30), **fields)
    assert told(session) == []
    assert expiry.sweep(session, now=riga(12, 31), limit=10) == 0


def test_a_later_end_is_a_new_decision_and_other_edits_are_not(session: Session) -> None:
    ada = make_person(session, now=riga(12, 21))
    one = prescribe(session, ada, now=riga(12, 21))
    told(session)

    def edit(**given: object) -> None:
        authoring.edit(session, ada, one, given=given, lines=None, is_put=False, now=riga(12, 21, 10))

    edit(notes="renew at the desk")
    edit(valid_until=END)
    assert told(session) == []
    edit(valid_until=END + timedelta(days=60))
    assert told(session) == []
    assert expiry.sweep(session, now=riga(12, 24), limit=10) == 0
    edit(valid_until=END + timedelta(days=1))
    assert told(session) == [(14, 11)]


def test_made_active_again_it_is_told_of_at_once(session: Session) -> None:
    ada = make_person(session, now=riga(12, 21))
    one = prescribe(session, ada, now=riga(12, 21), is_active=False)
    authoring.edit(session, ada, one, given={"is_active": True}, lines=None, is_put=False, now=riga(12, 21))
    assert told(session) == [(14, 10)]


def test_a_removed_prescription_is_told_of_no_more(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    authoring.remove(session, ada, prescribe(session, ada, now=riga(10, 1)), now=riga(10, 1))
    assert expiry.sweep(session, now=riga(12, 1), limit=10) == 0


def test_after_a_move_west_the_notice_waits_for_nine_there(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    prescribe(session, ada, now=riga(10, 1))
    profile.update_profile(session, ada, given={"time_zone": "America/New_York"}, now=riga(11, 1))
    expiry.sweep(session, now=riga(12, 1), limit=10)
    assert told(session) == []
    expiry.sweep(session, now=datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("America/New_York")), limit=10)
    assert told(session) == [(30, 30)]


def test_a_sweep_does_as_much_as_it_may_and_says_how_much(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    for _ in range(3):
        prescribe(session, ada, now=riga(10, 1))
    assert [expiry.sweep(session, now=riga(12, 1), limit=2) for _ in range(3)] == [2, 1, 0]


def test_sweeps_at_once_tell_each_person_once(committed: sessionmaker[Session]) -> None:
    with committed.begin() as session:
        ada = make_person(session, now=riga(10, 1))
        for _ in range(8):
            prescribe(session, ada, now=riga(10, 1))

    def sweep(session: Session) -> int:
        return sum(len(told(session)) for _ in range(3) if expiry.sweep(session, now=riga(12, 1), limit=3))

    heard = [answer for answer in all_at_once(committed, sweep, times=6) if isinstance(answer, int)]
    assert sum(heard) == 8


def test_a_notice_planned_for_a_row_that_lost_its_end_is_dropped(session: Session) -> None:
    ada = make_person(session, now=riga(10, 1))
    one = prescribe(session, ada, now=riga(10, 1))
    session.execute(update(Prescription).where(Prescription.id == one).values(valid_until=None))
    assert expiry.sweep(session, now=riga(12, 1), limit=10) == 1
    assert expiry.sweep(session, now=riga(12, 1), limit=10) == 0
