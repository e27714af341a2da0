"""Thin Celery. A task takes ids and an instant, opens a transaction, makes one engine call. The app is `tasks.app`.

Every wake-up has a sweep behind it: the broker may lose any message and nothing but time is lost.
"""

from tasks.celery import app

__all__ = ["app"]
