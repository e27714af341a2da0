"""What must hold of a database whatever has happened to the programs that wrote it. Plain SQL over all of it.

Each statement selects what breaks one law, as a line somebody can read. The engine is not asked: it may be wrong.
`assert_invariants(engine, now)` is for a database at rest, when what is due has had a few seconds to be told.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

AT_REST = timedelta(seconds=5)  # what became due or over later than this ago may still be on its way
AWAKE_WITHIN = timedelta(minutes=5)
SKEW = timedelta(seconds=5)  # a dose this near is due already
SHOWN = 5

_SAME = (
    "{0}.reminder_id = {1}.reminder_id AND {0}.key_date = {1}.key_date AND {0}.slot = {1}.slot"
    " AND {0}.segment = {1}.segment"
)
_LOG_OF_DOSE = _SAME.format("l", "d")
_SETTLED = (
    f"EXISTS (SELECT FROM reminder_logs l WHERE {_LOG_OF_DOSE} AND l.superseded_at IS NULL AND l.status <> 'open')"
)
_NOTICE = (
    "n.subject_id = {0}.reminder_id AND n.key_date = {0}.key_date AND n.slot = {0}.slot AND n.segment = {0}.segment"
)
_GIVEN_BACK = (
    "coalesce((SELECT sum(least(o.ended_at, {0}.closes_at) - greatest(o.began_at, {0}.due_at)) FROM outages o"
    " WHERE o.began_at < {0}.closes_at AND o.ended_at > {0}.due_at), interval '0')"
)
_COUNTED = (
    "(SELECT count(*) FROM inventory_history h WHERE h.log_id = l.id AND h.change_type = 'consumed'"
    " AND NOT EXISTS (SELECT FROM inventory_history r WHERE r.reverses_id = h.id))"
)
_UNCOUNTED = (
    "EXISTS (SELECT FROM events e WHERE e.kind = 'dose' AND e.user_id = l.user_id"
    " AND (e.payload->>'dose_id')::bigint = l.dose_id AND (e.payload->>'revision')::int = l.revision"
    " AND (e.payload->>'is_uncounted')::boolean)"
)
_OF_A_DOSE = "n.kind IN ('due', 'missed')"

DOSES = {
    "a dose has one public id": (
        "SELECT 'dose id ' || id || ' stands for ' || count(*) FROM doses GROUP BY id HAVING count(*) > 1"
    ),
    "a dose that is due is told or answered": (
        "SELECT 'dose ' || d.id || ' due at ' || d.due_at FROM doses d WHERE d.due_at < :at_rest AND d.closes_at > :now"
        f" AND NOT {_SETTLED} AND NOT EXISTS (SELECT FROM notifications n WHERE n.kind = 'due' AND {_NOTICE.format('d')})"  # noqa: E501
    ),
    "a dose whose window is over has an outcome": (
        "SELECT 'dose ' || d.id || ' closed at ' || d.closes_at FROM doses d"
        f" WHERE d.closes_at + {_GIVEN_BACK.format('d')} < :at_rest AND NOT {_SETTLED}"
    ),
    "no cursor is ahead of the clock": (
        "SELECT 'shard ' || shard || ' at ' || greatest(claimed_due_at, closed_closes_at) FROM shards"
        " WHERE greatest(claimed_due_at, closed_closes_at) > :now + :skew"
    ),
    "no tick is ahead of the clock": "SELECT 'tick ' || slot_at FROM pulses WHERE slot_at > :now + :skew",
}
OUTCOMES = {
    "one outcome of a dose is current": (
        "SELECT 'dose ' || dose_id || ' has ' || count(*) FROM reminder_logs WHERE superseded_at IS NULL"
        " AND reminder_id IS NOT NULL GROUP BY reminder_id, key_date, slot, segment, dose_id HAVING count(*) > 1"
    ),
    "revisions have no gaps, and the last is the current one": (
        "SELECT 'dose ' || min(dose_id) || ' has revisions ' || string_agg(revision::text, ',' ORDER BY revision)"
        " FROM reminder_logs WHERE reminder_id IS NOT NULL GROUP BY reminder_id, key_date, slot, segment"
        " HAVING max(revision) <> count(*) OR min(revision) <> 1"
        " OR max(revision) FILTER (WHERE superseded_at IS NULL) IS DISTINCT FROM max(revision)"
    ),
    "nothing is inferred before its window is over": (
        "SELECT 'dose ' || dose_id || ' ' || status || ' at ' || recorded_at FROM reminder_logs l"
        " WHERE source = 'engine' AND status IN ('missed', 'not_reminded') AND recorded_at < closes_at"
    ),
    "an outage within a window is given back": (
        "SELECT 'dose ' || d.id || ' ' || l.status || ' at ' || l.recorded_at FROM reminder_logs l JOIN doses d ON"
        f" {_LOG_OF_DOSE} WHERE l.source = 'engine' AND l.status IN ('missed', 'not_reminded')"
        f" AND l.recorded_at < d.closes_at + {_GIVEN_BACK.format('d')}"
    ),
    "nobody is said to have missed what they were not told in time": (
        "SELECT 'dose ' || l.dose_id || ' due at ' || l.due_at || ' told at ' || coalesce(n.created_at::text, 'no time')"  # noqa: E501
        f" FROM reminder_logs l LEFT JOIN notifications n ON n.kind = 'due' AND {_NOTICE.format('l')}"
        " WHERE l.status = 'missed' AND l.source = 'engine' AND (n.id IS NULL"
        " OR n.created_at > least(l.due_at + :awake_within, l.closes_at))"
    ),
    "nobody is said to have missed what they were told during an outage": (
        f"SELECT 'dose ' || l.dose_id || ' told at ' || n.created_at FROM reminder_logs l"
        f" JOIN notifications n ON n.kind = 'due' AND {_NOTICE.format('l')}"
        " JOIN outages o ON n.created_at > o.began_at + interval '2 seconds' AND n.created_at < o.ended_at"
        " WHERE l.status = 'missed' AND l.source = 'engine'"
    ),
    "nobody is said to have missed what no message of ours could reach them with": (
        f"SELECT 'dose ' || l.dose_id FROM reminder_logs l JOIN notifications n ON n.kind = 'due' AND {_NOTICE.format('l')}"  # noqa: E501
        " WHERE l.status = 'missed' AND l.source = 'engine'"
        " AND EXISTS (SELECT FROM deliveries f WHERE f.notification_id = n.id AND f.outcome IN ('failed', 'expired')"
        "  AND f.recorded_at < l.recorded_at)"
        " AND NOT EXISTS (SELECT FROM deliveries s WHERE s.notification_id = n.id AND s.outcome IN ('sent', 'refused'))"
    ),
    "a dose missed is said once": (
        f"SELECT 'dose ' || l.dose_id FROM reminder_logs l WHERE l.status = 'missed' AND l.source = 'engine'"
        f" AND NOT EXISTS (SELECT FROM notifications n WHERE n.kind = 'missed' AND {_NOTICE.format('l')})"
    ),
    "every outcome is a fact, once": (
        "SELECT 'dose ' || l.dose_id || ' revision ' || l.revision FROM reminder_logs l WHERE l.reminder_id IS NOT NULL"
        " AND 1 <> (SELECT count(*) FROM events e WHERE e.kind = 'dose' AND e.user_id = l.user_id"
        "  AND (e.payload->>'dose_id')::bigint = l.dose_id AND (e.payload->>'revision')::int = l.revision"
        "  AND e.payload->>'status' = l.status)"
    ),
}
STOCK = {
    "a balance is the sum of its entries and what the last one says": (
        "SELECT 'medicine ' || s.medicine_id || ': ' || s.on_hand || ' on hand, entries add up to '"
        " || coalesce(sum(h.change_amount), 0) FROM stocks s LEFT JOIN inventory_history h USING (medicine_id)"
        " GROUP BY s.medicine_id HAVING s.on_hand <> coalesce(sum(h.change_amount), 0)"
        " OR s.seq <> coalesce(max(h.seq), 0) OR count(h.id) <> s.seq"
        " OR s.on_hand <> coalesce((array_agg(h.new_stock ORDER BY h.seq DESC))[1], 0)"
    ),
    "an entry goes on where the one before ended": (
        "SELECT 'entry ' || id FROM (SELECT id, previous_stock, lag(new_stock, 1, 0::numeric) OVER"
        " (PARTITION BY medicine_id ORDER BY seq) AS before FROM inventory_history) h WHERE previous_stock <> before"
    ),
    "what is taken is counted once, or flagged uncounted": (
        f"SELECT 'dose ' || l.dose_id || ' counted ' || {_COUNTED} || ' times' FROM reminder_logs l"
        " WHERE l.superseded_at IS NULL AND l.status = 'taken' AND l.reminder_id IS NOT NULL"
        f" AND {_COUNTED} <> 1 AND NOT {_UNCOUNTED}"
    ),
    "what is not taken is not counted": (
        f"SELECT 'dose ' || l.dose_id || ' revision ' || l.revision FROM reminder_logs l WHERE {_COUNTED} > 0"
        " AND (l.superseded_at IS NOT NULL OR l.status <> 'taken')"
    ),
    "a reversal gives back what was taken": (
        "SELECT 'entry ' || r.id FROM inventory_history r JOIN inventory_history h ON h.id = r.reverses_id"
        " WHERE r.change_amount <> -h.change_amount OR r.medicine_id <> h.medicine_id"
    ),
    "every entry is a fact, once": (
        "SELECT 'entry ' || h.id FROM inventory_history h WHERE 1 <> (SELECT count(*) FROM events e"
        " WHERE e.kind = 'stock' AND e.user_id = h.user_id AND (e.payload->>'entry_id')::bigint = h.id)"
    ),
}
TELLING = {
    "a dose is claimed once of a kind": (
        "SELECT 'dose ' || dose_id || ' ' || kind || ' ' || count(*) || ' times' FROM notifications n"
        f" WHERE {_OF_A_DOSE} GROUP BY dose_id, kind HAVING count(*) > 1"
    ),
    "nobody is told before the time": (
        "SELECT 'dose ' || dose_id || ' due at ' || due_at || ' told at ' || created_at FROM notifications n"
        " WHERE kind = 'due' AND created_at < due_at - :skew"
    ),
    "an answer silences: nothing is told of a dose after it": (
        "SELECT 'dose ' || l.dose_id || ' answered at ' || l.recorded_at || ' told at ' || n.created_at"
        f" FROM reminder_logs l JOIN notifications n ON n.kind = 'due' AND {_NOTICE.format('l')}"
        " WHERE l.superseded_at IS NULL AND l.status IN ('taken', 'skipped') AND l.revision = 1"
        " AND n.created_at > l.recorded_at + interval '2 seconds'"
    ),
    "who is told of being late said something to be late for": (
        "SELECT 'notification ' || n.id FROM notifications n WHERE n.kind = 'missed' AND NOT EXISTS"
        f" (SELECT FROM reminder_logs l WHERE {_NOTICE.format('l')} AND l.status = 'missed')"
    ),
    "everything told of a dose goes to its person": (
        f"SELECT 'notification ' || n.id FROM notifications n JOIN reminders r ON r.id = n.subject_id"
        f" WHERE {_OF_A_DOSE} AND r.user_id <> n.user_id"
    ),
}
MESSAGES = {
    "a message waits or is settled, never both, never twice": (
        "SELECT 'message ' || notification_id || '.' || step || ' to channel ' || channel_id FROM"
        " (SELECT notification_id, channel_id, step FROM outbox UNION ALL"
        "  SELECT notification_id, channel_id, step FROM deliveries) m"
        " GROUP BY notification_id, channel_id, step HAVING count(*) > 1"
    ),
    "a message goes to its person": (
        "SELECT 'message ' || m.notification_id || '.' || m.step FROM"
        " (SELECT notification_id, channel_id, step, user_id FROM outbox UNION ALL"
        "  SELECT notification_id, channel_id, step, user_id FROM deliveries) m"
        " LEFT JOIN channels c ON c.id = m.channel_id LEFT JOIN notifications n ON n.id = m.notification_id"
        " WHERE c.user_id IS DISTINCT FROM m.user_id OR n.user_id IS DISTINCT FROM m.user_id"
    ),
    "who has an address is written to, at least once for all that was late": (
        "SELECT 'person ' || n.user_id || ' told at ' || n.created_at FROM notifications n JOIN channels c"
        " ON c.user_id = n.user_id AND c.is_enabled AND c.confirmed_at <= n.created_at GROUP BY n.user_id, n.xid,"
        " n.created_at, c.id HAVING NOT bool_or(EXISTS (SELECT FROM outbox o WHERE o.notification_id = n.id"
        "  AND o.channel_id = c.id) OR EXISTS (SELECT FROM deliveries s WHERE s.notification_id = n.id"
        "  AND s.channel_id = c.id))"
    ),
    "a message of a dose told in time is written": (
        "SELECT 'notification ' || n.id FROM notifications n JOIN channels c ON c.user_id = n.user_id AND c.is_enabled"
        " AND c.confirmed_at <= n.created_at WHERE n.kind = 'due' AND n.created_at <= n.due_at + :awake_within"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.notification_id = n.id AND o.channel_id = c.id)"
        " AND NOT EXISTS (SELECT FROM deliveries s WHERE s.notification_id = n.id AND s.channel_id = c.id)"
    ),
    "no message waits beyond its lease": (
        "SELECT 'message ' || notification_id || '.' || step || ' until ' || ready_at FROM outbox"
        " WHERE ready_at > :now + interval '6 minutes'"
    ),
}
LAWS = DOSES | OUTCOMES | STOCK | TELLING | MESSAGES


def findings(connection: Connection, now: datetime) -> list[str]:
    """Every law that does not hold, with the first few examples. Empty: all is well."""
    values = {"now": now, "at_rest": now - AT_REST, "skew": SKEW, "awake_within": AWAKE_WITHIN}
    found = []
    for law, statement in LAWS.items():
        bound = text(statement)
        broken = list(connection.scalars(bound, {name: values[name] for name in bound._bindparams}))
        if broken:
            more = f" and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
            found.append(f"{law}: {'; '.join(map(str, broken[:SHOWN]))}{more}")
    return found


def assert_invariants(engine: Engine, now: datetime) -> None:
    with engine.connect() as connection:
        found = findings(connection, now)
    assert not found, "\n".join(found)
