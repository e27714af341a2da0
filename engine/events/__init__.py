"""What happened. Append-only facts, one per state change, written in the transaction that made the change.

Owns the table `events`. Readers: the live stream (fenced by xid) and the notification planner (in the same
transaction). A due dose's notification row is its own fact: there is no second row for it.
"""
