"""The application: every route under `/api/v1`, health beside it. `uvicorn api.main:app`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api import auth, doses, errors, health, medicines, notifications, prescriptions, reminders, stream
from api.database import Database
from api.hub import Hub
from api.manners import Manners, Origins
from api.openapi import VERSION, Documented
from engine import logs
from engine.settings import Settings, load

PREFIX = "/api/v1"
STREAMS_MAX = 200  # per process; the stream's own port takes many more
NOUNS = (
    auth.router,
    medicines.router,
    reminders.router,
    doses.router,
    stream.router,  # before notifications: its path would otherwise be a notification's number
    notifications.router,
    prescriptions.router,
)


def create_app(
    settings: Settings | None = None, *, nouns: tuple[APIRouter, ...] = NOUNS, streams_max: int = STREAMS_MAX
) -> FastAPI:
    """The application over these settings (of the environment, by default), connected while it runs."""
    ours = settings or load()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        logs.configure()
        app.state.settings = ours
        async with _connected(app, ours, Hub(streams_max)):
            yield

    app = Documented(
        title="Pillio",
        version=VERSION,
        summary="Every dose told in time, every answer kept, every tablet accounted for.",
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    for router in nouns:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    errors.install(app)
    app.add_middleware(Manners)
    origins = [origin.strip() for origin in ours.cors_origins.split(",") if origin.strip()]
    app.add_middleware(
        Origins,
        allow_origins=origins,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["X-Request-ID", "Retry-After"],
        max_age=600,
    )
    return app


@contextlib.asynccontextmanager
async def _connected(app: FastAPI, ours: Settings, hub: Hub) -> AsyncIterator[None]:
    database = Database(ours)
    app.state.database, app.state.hub = database, hub
    following = asyncio.create_task(hub.follow(database.broker))
    try:
        with hub.closing_on_stop():
            yield
    finally:
        hub.close_all()
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
        await database.close()


def _operation_id(route: APIRoute) -> str:
    """Stable and readable, for clients that are generated: the route's function and how it is called."""
    methods = "_".join(sorted(route.methods or ())).lower()
    path = route.path_format.removeprefix(PREFIX).strip("/").split("/")[0].replace("-", "_")
    return f"{path}_{route.name}_{methods}"


app = create_app()
