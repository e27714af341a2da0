"""The Celery app: `celery -A tasks worker|beat|flower`."""

from celery import Celery
from celery.signals import setup_logging

from engine import logs

app = Celery("pillio", include=["tasks.ticking", "tasks.sending", "tasks.upkeep", "tasks.reporting", "tasks.watchdog"])
app.config_from_object("celeryconfig")


@setup_logging.connect
def _one_log(loglevel: int | str = "info", **_: object) -> None:
    """Ours instead of Celery's: event names and ids, one line each."""
    logs.configure("warning" if str(loglevel).lower() in ("30", "warning") else "info")
