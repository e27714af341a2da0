"""Tell somebody outside that all is well, and only while it is: silence is their alarm."""

import httpx2 as httpx
import structlog
from celery import shared_task

from engine import clock
from engine.db import run
from engine.dispatch import gauges
from engine.settings import load
from tasks.edge import database

PATIENCE_SECONDS = 10.0
log = structlog.get_logger()


@shared_task(name="pillio.report_alive")
def report_alive() -> None:
    """A GET to the operator's DEADMAN_URL, unless something due is unclaimed, unsent or unsure."""
    url = load().deadman_url
    if url is None:
        return
    wrong = run(database(), lambda session: gauges.what_is_wrong(session, now=clock.now()))
    if wrong or not run(database(), clock.agrees):
        log.warning("report.withheld", reason=wrong or "clock")
        return
    try:
        httpx.get(url.get_secret_value(), timeout=PATIENCE_SECONDS)
    except httpx.HTTPError as error:  # theirs to notice: that is what the silence is for
        log.warning("report.failed", error=type(error).__name__)
