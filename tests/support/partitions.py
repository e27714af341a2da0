"""Which partitions there are, and how a test that really made some leaves the database as it found it."""

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

_MADE = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE c.relkind = 'r' AND c.relname NOT LIKE '%\\_default'"
)


def made(session: Session) -> set[str]:
    """Every partition but the default ones."""
    return set(session.scalars(_MADE))


def drop_all(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for name in made(session):
            session.execute(text(f'DROP TABLE "{name}"'))
