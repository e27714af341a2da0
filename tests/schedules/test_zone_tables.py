"""The tables of clock changes against the tz files themselves and against looking every hour."""

import struct
import zoneinfo
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from schedules import expand, expand_with_windows, forget_zones
from schedules.errors import RuleError
from schedules.zone_tables import EPOCH_DAY, Shift, is_zone, offset_at, shifts_between
from tests.schedules.rule_making import ZONES, rule, utc

FROM, UNTIL = ((date(year, 1, 1).toordinal() - EPOCH_DAY) * 86_400 for year in (1891, 2209))


def changes_in_file(tzid: str) -> list[Shift]:
    """The changes of offset a TZif file lists (RFC 8536, second block). What its footer implies is not among them."""
    data = resources.files("tzdata.zoneinfo").joinpath(tzid).read_bytes()
    *_, isutcs, isstds, leaps, times, types, chars = struct.unpack(">4sc15x6l", data[:44])
    data = data[44 + times * 5 + types * 6 + chars + leaps * 8 + isstds + isutcs :]
    *_, times, types, _chars = struct.unpack(">4sc15x6l", data[:44])
    instants = struct.unpack(f">{times}q", data[44 : 44 + 8 * times])
    indexes = data[44 + 8 * times : 44 + 9 * times]
    offsets = [struct.unpack(">l", data[at : at + 4])[0] for at in range(44 + 9 * times, 44 + 9 * times + 6 * types, 6)]
    series = [offsets[0], *(offsets[index] for index in indexes)]
    return [
        Shift(at, before, after)
        for at, before, after in zip(instants, series, series[1:], strict=False)
        if before != after and FROM <= at < UNTIL
    ]


@pytest.fixture
def pinned() -> Iterator[None]:
    """Read the tz files of the tzdata package, whatever the machine has."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    forget_zones()
    yield
    zoneinfo.reset_tzpath(to=before)
    forget_zones()


def test_the_changes_in_every_file_are_found_and_no_others(pinned: None) -> None:
    files = {tuple(changes_in_file(tzid)): tzid for tzid in sorted(zoneinfo.available_timezones() - {"Factory"})}
    files.pop(())
    half_a_year = 182 * 86_400
    for listed, tzid in files.items():
        for shift in listed[
            ::12
        ]:  # half a year either way reaches its neighbours; every file has its last ones looked at
            low, high = shift.at - half_a_year, min(shift.at + half_a_year, listed[-1].at)
            assert shifts_between(tzid, low, high) == [each for each in listed if low <= each.at <= high]
        assert shifts_between(tzid, listed[-1].at - half_a_year, listed[-1].at)[-1] == listed[-1]


def test_new_tzdata_moves_instants_and_keeps_identities(pinned: None, tmp_path: Path) -> None:
    def told() -> list[tuple[object, object, datetime]]:
        forget_zones()
        asked = rule("08:00", "20:00"), utc("2026-06-01 12:00"), utc("2026-06-07 12:00")
        doses = expand(*asked)
        assert [each.occurrence for each in expand_with_windows(*asked)] == doses  # what windows remember is forgotten
        return [(dose.identity, dose.local, dose.at) for dose in doses]

    before = told()
    (tmp_path / "Europe").mkdir()
    moved = resources.files("tzdata.zoneinfo").joinpath("Europe/London").read_bytes()
    (tmp_path / "Europe" / "Riga").write_bytes(moved)  # as if Latvia had moved to London's clocks
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    assert told() == [(identity, local, at + timedelta(hours=2)) for identity, local, at in before]


@pytest.mark.parametrize("tzid", ZONES)
def test_looking_every_hour_finds_no_other_offset(tzid: str) -> None:
    for year in (1994, 2011, 2100):
        first = (date(year, 1, 1).toordinal() - EPOCH_DAY) * 86_400
        shifts = shifts_between(tzid, first, first + 366 * 86_400)
        offset = offset_at(tzid, first - 1)
        for instant in range(first, first + 366 * 86_400, 3600):
            offset = next((each.after for each in reversed(shifts) if each.at <= instant), offset)
            assert offset_at(tzid, instant) == offset


@pytest.mark.parametrize("name", sorted(ZONES))
def test_known_zones_are_known(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            "Mars/Base",
            "America",
            "../etc/passwd",
            "/etc/localtime",
            "Europe/Riga\x00",
            "Europe/Riga\n",
            "\ud800",
        ),
        *(
            "posixrules",
            "right/Europe/Riga",
            "posix/Europe/Riga",
            "localtime",
            "Factory",
            "Europe//Riga",
        ),
        *("zone.tab", "tzdata.zi", "__init__.py", "europe/riga", "Europe/Rīga"),
    ],
)
def test_names_that_are_no_zones_are_refused_without_touching_the_disc_outside(name: str) -> None:
    assert not is_zone(name)
    with pytest.raises(RuleError) as refused:
        offset_at(name, 0)
    assert refused.value.code == "unknown_zone"


def test_a_year_nobody_plans_for_is_refused() -> None:
    with pytest.raises(ValueError, match="1890 to 2210"):
        offset_at("UTC", FROM - 2 * 366 * 86_400)
