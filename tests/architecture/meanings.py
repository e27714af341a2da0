"""What each index, unique key and check is there for. A new one must be given its reason before the page is written."""

MEANINGS = {
    # accounts
    "uq_users_email_key": "one account per address, however it is spelt; free again once deleted",
    "ix_sessions_user_id": "a person's devices",
    "uq_refresh_tokens_parent_hash": "one successor per token: all who refresh one token at once get the same",
    "ix_refresh_tokens_session_id": "ends a family, and lets a session go",
    # requests
    "ix_answered_requests_recorded_at": "forgetting them after two days",
    # pulse
    "ck_outages_has_lasted": "an outage has two ends, in this order",
    "ix_outages_ended_at": "the closing sweep: was there one lately? Almost always no",
    # events
    "ix_events_user_id_xid_id": "the stream: what this person has not been sent yet",
    # medicines
    "uq_medicines_user_id_id": "what others point at, so that no row can name a stranger's medicine",
    "uq_medicines_user_id_name_key": "one medicine per name and person; free again once hidden",
    # prescriptions
    "uq_prescriptions_user_id_id": "what lines point at, so that none can hang on a stranger's prescription",
    "ix_prescriptions_next_notice_at": "the expiry sweep: only what must be told of, never all that exists",
    "ix_prescription_medicines_user_id_prescription_id_position": "the lines of a prescription, in their order",
    # inventory
    "ck_stocks_never_below_zero": "what is taken beyond the balance is a shortfall of the entry, not a debt",
    "uq_inventory_history_medicine_id_seq": "entries of a medicine have an order without gaps or ties",
    "uq_inventory_history_log_id": "one outcome posts one entry, however often the request comes",
    "uq_inventory_history_reverses_id": "an entry is reversed once",
    "ix_inventory_history_user_id_recorded_at_id": "a person's history, newest first",
    "ck_inventory_history_adds_up": "an entry explains the balance after it by the balance before it",
    "ck_inventory_history_never_below_zero": "neither the balance nor the shortfall",
    "ck_inventory_history_known_type": "the kinds of change the client knows",
    # reminders
    "uq_reminders_user_id_id": "what versions point at, so that none can hang on a stranger's reminder",
    "ix_reminders_planned_through_at": "the roll of the horizon: only what must be planned further",
    # doses
    "ix_doses_shard_due_at_id": "the claiming cursor",
    "ix_doses_shard_closes_at_id": "the closing cursor",
    "ck_doses_window_after_due": "a window has a length, so no dose is born missed",
    "uq_reminder_logs_reminder_id_key_date_slot_segment_revision": "revisions of a dose are numbered",
    "uq_reminder_logs_current": "at most one current outcome: of two who answer at once, one is first",
    "uq_reminder_logs_event_key": "an intake without a dose is recorded once",
    "ix_reminder_logs_user_id_key_date": "a person's history by planned local day",
    "ck_reminder_logs_known_status": "see [the lifecycle](dose-lifecycle.md)",
    "ck_reminder_logs_taken_has_its_time": "taken says when, and nothing else does",
    "ck_reminder_logs_known_source": "who said so",
    "ck_reminder_logs_dose_or_intake": "a row is about a dose or about an intake without one, never both",
    # notifications
    "ix_notifications_user_id_xid_id": "the stream, and the bell",
    "ck_notifications_known_kind": "what a person is told of",
    "ix_channels_user_id": "a person's channels, when a message is queued",
    "ck_channels_known_kind": "widened as kinds of channel come",
    "ix_outbox_ready_at": "the senders: what is ready, oldest first",
    "ix_deliveries_notification_id": "was this told? The closing sweep asks",
    "ix_deliveries_channel_id_recorded_at": "how often today? Asked of an unconfirmed address",
    "ck_deliveries_known_outcome": "what can become of a try",
    # dispatch
    "ix_wakeups_shard_wake_at": "the cursor that walks the wake-ups",
    "ck_wakeups_known_kind": "widened as repeats, escalation and moved doses come",
}
