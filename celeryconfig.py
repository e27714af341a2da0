"""Celery's settings: data only. Celery carries ticks and shards, never doses; the database row is the record.

Every queue has a consumer in the one-machine stack and in docker-compose.yml (a test compares them).
"""

from celery.beat import BeatLazyFunc  # evaluated when the tick is sent, so a tick carries its own instant

from engine import clock
from engine.settings import load


def _instant() -> str:
    return clock.now().isoformat()


broker_url = load().redis_url
broker_connection_retry_on_startup = True
# A broker that answers and refuses to write (its disk is full, it has become a replica) is away like one that does
# not answer: by default a worker would end over it, and its watchdog with it.
broker_channel_error_retry = True
broker_transport_options = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "global_keyprefix": "pillio:celery:",
}

task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
enable_utc = True
timezone = "UTC"

# A killed worker's message comes again; every task is idempotent by its keys in the database.
task_acks_late = True
task_retry_on_worker_lost = True
task_time_limit = 120
worker_prefetch_multiplier = 1
worker_eta_task_limit = 100
worker_max_tasks_per_child = 20_000
worker_hijack_root_logger = False
worker_redirect_stdouts = False

# Events are O(ticks and busy shards), so Flower can show the work without drowning in it.
worker_send_task_events = True
task_send_sent_event = True

# With REMAP_SIGTERM=SIGQUIT a stop lets running tasks end, this long at most.
worker_soft_shutdown_timeout = 3

task_default_queue = "upkeep"
task_routes = {
    "pillio.tick": {"queue": "tick"},
    "pillio.drain": {"queue": "drain"},
    "pillio.send": {"queue": "send"},
}

beat_max_loop_interval = 1
beat_schedule = {
    "tick": {
        "task": "pillio.tick",
        "schedule": 1.0,
        "args": [BeatLazyFunc(_instant)],
        "options": {"expires": 3, "queue": "tick"},
    },
    "roll the horizon": {"task": "pillio.roll", "schedule": 60.0, "options": {"expires": 55}},
    "sweep the gaps": {"task": "pillio.sweep_gaps", "schedule": 30.0, "options": {"expires": 25}},
    "watch expiries": {"task": "pillio.watch_expiries", "schedule": 60.0, "options": {"expires": 55}},
    "report": {"task": "pillio.report_alive", "schedule": 60.0, "options": {"expires": 55}},
    "tidy up": {"task": "pillio.tidy", "schedule": 3600.0, "options": {"expires": 3000}},
}
