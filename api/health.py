"""Is it alive, is it ready, how is it going: for supervisors, load balancers and whoever is on call."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.orm import Session

from api.asking import Now, database
from api.database import Database
from api.shapes import Shown
from engine import clock
from engine.dispatch import gauges
from engine.pulse import beat

router = APIRouter(tags=["health"])

TICK_AGE_MAX = timedelta(seconds=10)
CHECK_SECONDS = 3.0
_HEAD = Path(__file__).parent.parent / "migrations" / ".current-head"
_REVISION = text("SELECT version_num FROM alembic_version")


class Alive(Shown):
    status: str


class Ready(Shown):
    status: str
    checks: dict[str, str]


@router.get("/health", response_model=Alive)
async def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/health/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(request: Request, response: Response, now: Now) -> dict[str, Any]:
    """Database, migrations at head, broker, and a clock that ticks."""
    data = database(request)
    stored, broker = await asyncio.gather(_outcome(_stored(data, now)), _outcome(_broker(data)))
    checks = {**(stored or {"database": "unreachable"}), "broker": "ok" if broker else "unreachable"}
    is_ready = all(each == "ok" for each in checks.values())
    response.status_code = 200 if is_ready else 503
    return {"status": "ready" if is_ready else "not ready", "checks": checks}


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, now: Now) -> Response:
    """Gauges for Prometheus: counts and ages, nobody's data."""
    values = await database(request).read(lambda session: gauges.read(session, now=now))
    registry = CollectorRegistry()
    for name, value in values.items():
        Gauge(f"pillio_{name}", gauges.MEANINGS[name], registry=registry).set(value)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def _outcome(check: Awaitable[Any]) -> Any:
    """None when it fails or takes too long: a check that hangs is a check that failed."""
    try:
        return await asyncio.wait_for(check, CHECK_SECONDS)
    except Exception:  # noqa: BLE001 - whatever is wrong, the answer is "not ready"
        return None


async def _stored(data: Database, now: datetime) -> dict[str, str]:
    return await data.read(lambda session: _look(session, now))


def _look(session: Session, now: datetime) -> dict[str, str]:
    is_at_head = session.scalar(_REVISION) == _HEAD.read_text(encoding="ascii").strip()
    age = beat.age(session, now=now)
    ticks = "ok" if age is not None and age <= TICK_AGE_MAX else "silent"
    return {
        "clock": "ok" if clock.agrees(session) else "disagrees",
        "database": "ok",
        "migrations": "ok" if is_at_head else "not at head",
        "tick": ticks,
    }


async def _broker(data: Database) -> bool:
    return bool(await data.broker.ping())
