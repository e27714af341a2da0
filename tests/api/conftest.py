"""The API over real HTTP: one server per test process, on this worker's own database."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session, sessionmaker

from engine.settings import Settings
from tests.support.callers import Caller, stranger
from tests.support.serving import serving
from tests.support.standing import StandingClock


@pytest.fixture(scope="session")
def app(environment: Settings) -> FastAPI:
    from api.main import create_app  # reads the environment, which is this worker's by now

    return create_app(environment)


@pytest.fixture(scope="session")
def base_url(app: FastAPI) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest.fixture
def anybody(base_url: str, committed: sessionmaker[Session]) -> Iterator[Caller]:
    """Somebody who is not signed in. Everything is emptied after the test."""
    with stranger(base_url) as caller:
        yield caller


@pytest.fixture
def ada(anybody: Caller) -> Caller:
    """Ada, in Riga, signed in."""
    return anybody.join("ada", time_zone="Europe/Riga")


@pytest.fixture
def bob(anybody: Caller) -> Caller:
    """A stranger to Ada."""
    return anybody.join("bob", time_zone="America/New_York")


@pytest.fixture
def clock(app: FastAPI, committed: sessionmaker[Session]) -> Iterator[StandingClock]:
    """The API's clock stands at 08:00 in Riga on Tuesday 3 March 2026. Ask for it before `ada`."""
    with StandingClock(app, committed).standing() as clock:
        yield clock
