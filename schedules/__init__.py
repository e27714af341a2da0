"""Nothing to do with Celery schedules: the arithmetic of DOSING rules. Rule + window -> occurrences.

Pure functions over frozen values, standard library only: no clock, no database, no network, no logging; the one thing
read from outside is tzdata, through zoneinfo. Every instant that comes out is UTC, every wall clock naive, every
amount an exact Decimal. What cannot be meant is a RuleError, with a code and a sentence.

    rules, days, quantities     what a rule is               zone_tables, local_time   clocks and their changes
    codec, stored, client_days  how it is written            clock_times, expansion    rule + window -> occurrences
    explain                     how it is said               windows                   when a dose can be answered
"""

from schedules.client_days import from_client, to_client
from schedules.codec import decode, encode
from schedules.days import Daily, DayFilter, EveryNDays, Weekday, Weekdays
from schedules.errors import RuleError
from schedules.expansion import expand, is_over, next_after, previous_before
from schedules.explain import explain
from schedules.local_time import day_start, to_local, to_utc
from schedules.occurrences import Adjustment, Occurrence
from schedules.quantities import format_amount, parse_amount
from schedules.rules import FIRST_SLOT, End, EndDate, Rule, TimeOfDay, ZoneMode, free_slot
from schedules.stored import decode_stored
from schedules.windows import (
    DoseWindow,
    TimedOccurrence,
    closes_at,
    expand_with_windows,
    forget_zones,
    window_of,
)
from schedules.zone_tables import is_zone

__all__ = [
    "FIRST_SLOT",
    "Adjustment",
    "Daily",
    "DayFilter",
    "DoseWindow",
    "End",
    "EndDate",
    "EveryNDays",
    "Occurrence",
    "Rule",
    "RuleError",
    "TimeOfDay",
    "TimedOccurrence",
    "Weekday",
    "Weekdays",
    "ZoneMode",
    "closes_at",
    "day_start",
    "decode",
    "decode_stored",
    "encode",
    "expand",
    "expand_with_windows",
    "explain",
    "forget_zones",
    "format_amount",
    "free_slot",
    "from_client",
    "is_over",
    "is_zone",
    "next_after",
    "parse_amount",
    "previous_before",
    "to_client",
    "to_local",
    "to_utc",
    "window_of",
]
