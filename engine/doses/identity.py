"""The public id of a dose: below 2^53 (a JavaScript number), with the planned day in its high bits.

The partition is known from the id, and no reminder id can be mistaken for one: 37 bits of sequence last for
137 billion doses, 16 bits of day until 2179.
"""

from datetime import date, timedelta

EPOCH = date(2000, 1, 1)
SEQUENCE_BITS = 37
HANDLES_FROM = 1 << SEQUENCE_BITS
HANDLES_UNTIL = 1 << 53

# the same arithmetic in SQL, for rows that are made in bulk
PUBLIC_ID_SQL = f"(((key_date - DATE '{EPOCH}')::bigint << {SEQUENCE_BITS}) | nextval('dose_ids'))"


def public_id(key_date: date, sequence: int) -> int:
    return ((key_date - EPOCH).days << SEQUENCE_BITS) | sequence


def key_date_of(dose_id: int) -> date:
    """The planned local date of the dose with this id; any int in the handle range has one."""
    return EPOCH + timedelta(days=dose_id >> SEQUENCE_BITS)


def is_dose_handle(handle: int) -> bool:
    """A dose's id rather than a reminder's?"""
    return HANDLES_FROM <= handle < HANDLES_UNTIL
