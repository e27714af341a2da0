"""The Celery app: `celery -A tasks worker|beat|flower`."""

import logging
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, task_failure

from engine import logs

app = Celery("pillio", include=["tasks.ticking", "tasks.sending", "tasks.upkeep", "tasks.reporting", "tasks.watchdog"])
app.config_from_object("celeryconfig")
log = structlog.get_logger()


@setup_logging.connect
def _one_log(loglevel: int | str = "info", **_: object) -> None:
    """Ours instead of Celery's: event names and ids, one line each."""
    logs.configure("warning" if str(loglevel).lower() in ("30", "warning") else "info")
    logging.getLogger("celery.worker").addHandler(_Trouble(logging.CRITICAL))


@task_failure.connect
def _say_what_failed(sender: Any = None, exception: BaseException | None = None, **_: object) -> None:
    """By its kind only: the text of an error may hold what somebody typed. Another tick does the work again."""
    state = getattr(getattr(exception, "orig", None), "sqlstate", None)
    log.warning("task.failed", where=getattr(sender, "name", None), error=type(exception).__name__, sqlstate=state)


class _Trouble(logging.Handler):
    """What a worker that cannot go on, or hardly, tells Celery's own log, which nobody hears."""

    def emit(self, record: logging.LogRecord) -> None:
        error = (record.exc_info or (None, None))[1]
        log.critical("worker.in_trouble", error=type(error).__name__)
