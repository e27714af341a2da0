"""The transactional core over PostgreSQL: rules become doses, doses are told, answered and accounted for.

Knows nothing of HTTP or Celery. Every function takes a `Session` first and the instant `now` last,
never commits and never reads the clock: the edges (`api`, `tasks`) do both.
"""
