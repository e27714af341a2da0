"""Pure: the words of a notification, in the app and outside it. Level 0 says nothing about health.

Titles and messages are those users of the React app know. The time is the planned wall clock; while the person's
zone is only assumed, the message names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schedules import parse_amount

Row = Mapping[Any, Any]  # one of `rows.RENDERED`

TYPES = {
    "due": "reminder",
    "missed": "reminder",
    "low_stock": "low_stock",
    "prescription_expiry": "prescription_expiry",
}
# What people count, one and many. Other units are abbreviations or words of their own, and stay as they were written.
_PIECES = {
    one: f"{one}es" if one.endswith("ch") else f"{one}s"
    for one in (
        "ampoule", "application", "capsule", "day", "dose", "drop", "gram", "inhalation", "injection", "patch", "pen",
        "piece", "pill", "puff", "sachet", "spray", "tablet", "teaspoon", "unit", "vial",
    )
}  # fmt: skip


DUE = "💊 Time to take your medicine"


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    message: str


def words(row: Row) -> Words:
    """What the person is told, in full."""
    match row["kind"]:
        case "due":
            return _late(row) if _data(row).get("is_late") else Words(DUE, f"{_dose(row)} ({_clock(row)})")
        case "missed":
            return Words("Missed dose", f"{_dose(row)}, planned for {_clock(row)}, was not recorded as taken")
        case "low_stock":
            on_hand = Decimal(str(row["data"]["on_hand"]))
            left = f"{plain(on_hand)} {counted(on_hand, row['medicine_unit'])}".strip()
            return Words("Low stock alert", f"{row['medicine_name']} is running low ({left} left)")
        case "prescription_expiry":
            days = int(row["data"]["days_left"])
            when = "today" if days == 0 else f"in {days} {counted(Decimal(days), 'days')}"
            return Words("Prescription expiring soon", f"Your prescription from {row['doctor_name']} expires {when}")
    raise AssertionError(row["kind"])


def discreet(row: Row) -> Words:
    """Level 0, for an address nobody has confirmed: that something is due, never what."""
    if row["kind"] == "due":
        clock = f"{row['planned_local']:%H:%M}"
        return Words(f"Reminder {clock}", f"This is your reminder for {_clock(row)}.")
    return Words("A message for you", "There is a message for you in Pillio.")


def outside(row: Row, *, is_confirmed: bool) -> Words:
    """What goes to an address: in full only where somebody has confirmed it. A late one stands for all that were late
    with it."""
    said = words(row) if is_confirmed else discreet(row)
    others = int(_data(row).get("others", 0))
    if not others:
        return said
    reminders = "reminder" if others == 1 else "reminders"
    return Words(said.title, f"{said.message} {others} more {reminders} came late with it: see Pillio.")


def action_url(row: Row) -> str:
    """Where a click leads in the React app."""
    pages = {"due": "/reminders", "missed": "/reminders", "low_stock": "/medicines"}
    return pages.get(row["kind"], "/prescriptions")


def plain(amount: Decimal) -> str:
    """5.000 is "5", 0.500 is "0.5"."""
    return f"{amount.normalize():f}"


def counted(amount: Decimal, unit: str) -> str:
    """The unit in the number that goes with this amount: 0.5 tablet, 1 tablet, 1.5 tablets, 0 tablets; mg stays mg."""
    word = unit.strip().removesuffix("(s)").casefold()
    one = next((each for each, many in _PIECES.items() if word in (each, many)), None)
    if one is None:
        return unit
    return one if 0 < amount <= 1 else _PIECES[one]


def _late(row: Row) -> Words:
    """With the reason: nobody is to wonder whether they had overlooked it."""
    return Words("💊 Late reminder", f"{_dose(row)} ({_clock(row)}). Pillio was not running then, so this comes late.")


def _data(row: Row) -> Mapping[str, Any]:
    return row.get("data") or {}


def _dose(row: Row) -> str:
    amount = row["dosage_amount"]
    said = f"{amount} {counted(parse_amount(amount), row['dosage_unit'])}" if amount else row["medicine_dosage"]
    return f"{row['medicine_name']} - {said}"


def _clock(row: Row) -> str:
    clock = f"{row['planned_local']:%H:%M}"
    return f"{clock}, {row['time_zone']} time" if row["time_zone_is_assumed"] else clock
