"""What every table shares: the declarative base, constraint names and column types.

Instants are timestamptz in UTC and always handed in by the caller: no column defaults to a database
clock. `xid` is the writing transaction, by which readers fence what is committed (see docs/time.md).
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, Date, DateTime, Identity, MetaData, Numeric, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import UserDefinedType

SHARDS = 64  # logical; people are spread over them by hash, and whole shards move when a machine is outgrown


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: never wraps, orders transactions by when they first wrote."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        date: Date(),
        str: Text(),
        dict[str, Any]: JSONB(),
    }


RowId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
BigId = Annotated[int, mapped_column(BigInteger)]
Small = Annotated[int, mapped_column(SmallInteger)]
Amount = Annotated[Decimal, mapped_column(Numeric(9, 3))]  # of one dose, in the reminder's unit
Stock = Annotated[Decimal, mapped_column(Numeric(12, 3))]  # of a medicine, in the medicine's unit
WallClock = Annotated[datetime, mapped_column(DateTime(timezone=False))]  # what a clock on the wall shows
Xid = Annotated[int, mapped_column(Xid8(), server_default=text("pg_current_xact_id()"))]


def shard_of(user_id: int) -> int:
    """The shard a person lives in, for good: a Fibonacci hash, so neighbours in id are not neighbours here."""
    return ((user_id * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF) >> 58
