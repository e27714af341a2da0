"""The rows every peer writes for a dose: the notification that claims it, and the message for each usable channel."""

NOTIFY = (
    "INSERT INTO notifications (subject_id, key_date, slot, segment, kind, user_id, dose_id, medicine_id, rule_version,"
    " due_at, planned_local, created_at) SELECT reminder_id, key_date, slot, segment, 'due', user_id, id, medicine_id,"
    " rule_version, due_at, planned_local, :now FROM doses WHERE {which}"
    " ON CONFLICT DO NOTHING RETURNING id, user_id, key_date"
)
TELL = (
    f"WITH told AS ({NOTIFY}) INSERT INTO outbox"
    " (notification_id, channel_id, step, user_id, key_date, ready_at, expires_at)"
    " SELECT t.id, c.id, 0, t.user_id, t.key_date, :now, CAST(:now AS timestamptz) + interval '1 day' FROM told t"
    " JOIN channels c ON c.user_id = t.user_id AND c.is_enabled"
)
TELL_ONE = TELL.format(which="key_date = :key_date AND reminder_id = :reminder_id AND slot = 1440 AND segment = 0")
