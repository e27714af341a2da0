"""The first tables: people, medicines, rules, doses, outcomes, the ledger and telling.

Revision: 0001, the first
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEQUENCES = ("dose_ids", "event_ids", "notification_ids")
PARTITIONED = ("doses", "notifications", "events", "deliveries")
SHARDS = 64
BEFORE_ANY_DOSE = datetime(2000, 1, 1, tzinfo=UTC)


class Xid8(sa.types.UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in SEQUENCES:
        op.execute(sa.schema.CreateSequence(sa.Sequence(name)))
    op.create_table(
        "answered_requests",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_answered_requests")),
    )
    op.create_index(op.f("ix_answered_requests_recorded_at"), "answered_requests", ["recorded_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("notification_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("fence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("may_repeat", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('sent', 'refused', 'failed', 'expired', 'withheld', 'withdrawn')",
            name=op.f("ck_deliveries_known_outcome"),
        ),
        sa.PrimaryKeyConstraint(
            "recorded_at", "notification_id", "channel_id", "step", "fence", name=op.f("pk_deliveries")
        ),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(op.f("ix_deliveries_notification_id"), "deliveries", ["notification_id"], unique=False)
    op.create_index(
        op.f("ix_deliveries_channel_id_recorded_at"), "deliveries", ["channel_id", "recorded_at"], unique=False
    )
    op.create_table(
        "doses",
        sa.Column("reminder_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("medicine_id", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_local", sa.DateTime(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=9, scale=3), nullable=False),
        sa.Column("adjusted", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("closes_at > due_at", name=op.f("ck_doses_window_after_due")),
        sa.PrimaryKeyConstraint("reminder_id", "key_date", "slot", "segment", name=op.f("pk_doses")),
        postgresql_partition_by="RANGE (key_date)",
    )
    op.create_index(op.f("ix_doses_shard_closes_at_id"), "doses", ["shard", "closes_at", "id"], unique=False)
    op.create_index(op.f("ix_doses_shard_due_at_id"), "doses", ["shard", "due_at", "id"], unique=False)
    op.create_index(op.f("ix_doses_user_id_due_at"), "doses", ["user_id", "due_at"], unique=False)
    op.create_table(
        "events",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('event_ids')"), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("recorded_at", "id", name=op.f("pk_events")),
        postgresql_partition_by="RANGE (recorded_at)",
    )
    op.create_index(op.f("ix_events_user_id_xid_id"), "events", ["user_id", "xid", "id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), server_default=sa.text("nextval('notification_ids')"), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("dose_id", sa.BigInteger(), nullable=True),
        sa.Column("medicine_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_local", sa.DateTime(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("action_taken", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('due', 'missed', 'low_stock', 'prescription_expiry')", name=op.f("ck_notifications_known_kind")
        ),
        sa.PrimaryKeyConstraint("subject_id", "key_date", "slot", "segment", "kind", name=op.f("pk_notifications")),
        postgresql_partition_by="RANGE (key_date)",
    )
    op.create_index(op.f("ix_notifications_user_id_xid_id"), "notifications", ["user_id", "xid", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("notification_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key_date", sa.Date(), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leased_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("notification_id", "channel_id", "step", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_ready_at"), "outbox", ["ready_at"], unique=False)
    op.create_table(
        "pulses",
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot_at", name=op.f("pk_pulses")),
    )
    op.create_table(
        "reminder_logs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("medicine_id", sa.BigInteger(), nullable=False),
        sa.Column("reminder_id", sa.BigInteger(), nullable=True),
        sa.Column("key_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=True),
        sa.Column("segment", sa.SmallInteger(), nullable=True),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("dose_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_local", sa.DateTime(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=9, scale=3), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'taken') = (taken_at IS NOT NULL)", name=op.f("ck_reminder_logs_taken_has_its_time")
        ),
        sa.CheckConstraint("source IN ('app', 'link', 'carer', 'engine')", name=op.f("ck_reminder_logs_known_source")),
        sa.CheckConstraint(
            "status IN ('open', 'taken', 'skipped', 'missed', 'not_reminded', 'cancelled')",
            name=op.f("ck_reminder_logs_known_status"),
        ),
        sa.CheckConstraint(
            "(reminder_id IS NULL) = (event_key IS NOT NULL)", name=op.f("ck_reminder_logs_dose_or_intake")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_logs")),
        sa.UniqueConstraint(
            "reminder_id",
            "key_date",
            "slot",
            "segment",
            "revision",
            name=op.f("uq_reminder_logs_reminder_id_key_date_slot_segment_revision"),
        ),
    )
    op.create_index(op.f("ix_reminder_logs_user_id_key_date"), "reminder_logs", ["user_id", "key_date"], unique=False)
    op.create_index(
        "uq_reminder_logs_current",
        "reminder_logs",
        ["reminder_id", "key_date", "slot", "segment"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index(
        "uq_reminder_logs_event_key",
        "reminder_logs",
        ["user_id", "event_key", "revision"],
        unique=True,
        postgresql_where=sa.text("event_key IS NOT NULL"),
    )
    op.create_table(
        "shards",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("claimed_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_id", sa.BigInteger(), nullable=False),
        sa.Column("closed_closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name=op.f("pk_shards")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("time_zone_is_assumed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index(
        "uq_users_email_key", "users", ["email_key"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "wakeups",
        sa.Column("reminder_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_date", sa.Date(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("segment", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("dose_id", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('snooze')", name=op.f("ck_wakeups_known_kind")),
        sa.PrimaryKeyConstraint("reminder_id", "key_date", "slot", "segment", "step", name=op.f("pk_wakeups")),
    )
    op.create_index(op.f("ix_wakeups_shard_wake_at"), "wakeups", ["shard", "wake_at"], unique=False)
    op.create_table(
        "channels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usable_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('email')", name=op.f("ck_channels_known_kind")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_channels_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
    )
    op.create_index(op.f("ix_channels_user_id"), "channels", ["user_id"], unique=False)
    op.create_table(
        "medicines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("generic_name", sa.Text(), nullable=True),
        sa.Column("dosage", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_medicines_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medicines")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_medicines_user_id_id")),
    )
    op.create_index(
        "uq_medicines_user_id_name_key",
        "medicines",
        ["user_id", "name_key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "prescriptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("doctor_name", sa.Text(), nullable=False),
        sa.Column("hospital_clinic", sa.Text(), nullable=True),
        sa.Column("prescription_date", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("next_notice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_prescriptions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescriptions")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_prescriptions_user_id_id")),
    )
    op.create_index(
        op.f("ix_prescriptions_next_notice_at"),
        "prescriptions",
        ["next_notice_at"],
        unique=False,
        postgresql_where=sa.text("next_notice_at IS NOT NULL"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("is_remembered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "time_zone_history",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_time_zone_history_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "from_at", name=op.f("pk_time_zone_history")),
    )
    op.create_table(
        "inventory_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("medicine_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("change_amount", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("change_type", sa.Text(), nullable=False),
        sa.Column("previous_stock", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("new_stock", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("shortfall", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("dose_id", sa.BigInteger(), nullable=True),
        sa.Column("log_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "change_type IN ('added', 'consumed', 'adjusted', 'expired')", name=op.f("ck_inventory_history_known_type")
        ),
        sa.CheckConstraint("new_stock = previous_stock + change_amount", name=op.f("ck_inventory_history_adds_up")),
        sa.CheckConstraint("new_stock >= 0 AND shortfall >= 0", name=op.f("ck_inventory_history_never_below_zero")),
        sa.ForeignKeyConstraint(
            ["user_id", "medicine_id"],
            ["medicines.user_id", "medicines.id"],
            name=op.f("fk_inventory_history_user_id_medicine_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_history")),
        sa.UniqueConstraint("medicine_id", "seq", name=op.f("uq_inventory_history_medicine_id_seq")),
    )
    op.create_index(
        op.f("ix_inventory_history_user_id_recorded_at_id"),
        "inventory_history",
        ["user_id", "recorded_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_inventory_history_log_id",
        "inventory_history",
        ["log_id"],
        unique=True,
        postgresql_where=sa.text("log_id IS NOT NULL"),
    )
    op.create_index(
        "uq_inventory_history_reverses_id",
        "inventory_history",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "prescription_medicines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("prescription_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("medicine_id", sa.BigInteger(), nullable=True),
        sa.Column("medicine_name", sa.Text(), nullable=False),
        sa.Column("dosage", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("duration_days", sa.Integer(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "medicine_id"],
            ["medicines.user_id", "medicines.id"],
            name=op.f("fk_prescription_medicines_user_id_medicine_id"),
            ondelete="SET NULL (medicine_id)",
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "prescription_id"],
            ["prescriptions.user_id", "prescriptions.id"],
            name=op.f("fk_prescription_medicines_user_id_prescription_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription_medicines")),
    )
    op.create_index(
        op.f("ix_prescription_medicines_user_id_prescription_id_position"),
        "prescription_medicines",
        ["user_id", "prescription_id", "position"],
        unique=False,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_hash", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_tokens")),
        sa.UniqueConstraint("parent_hash", name=op.f("uq_refresh_tokens_parent_hash")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False)
    op.create_table(
        "reminders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("medicine_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("grace_minutes", sa.Integer(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("planned_through_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "medicine_id"],
            ["medicines.user_id", "medicines.id"],
            name=op.f("fk_reminders_user_id_medicine_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("user_id", "id", name=op.f("uq_reminders_user_id_id")),
    )
    op.create_index(op.f("ix_reminders_medicine_id"), "reminders", ["medicine_id"], unique=False)
    op.create_index(
        op.f("ix_reminders_planned_through_at"),
        "reminders",
        ["planned_through_at"],
        unique=False,
        postgresql_where=sa.text("planned_through_at IS NOT NULL"),
    )
    op.create_table(
        "stocks",
        sa.Column("medicine_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("min_stock_alert", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stocks_never_below_zero")),
        sa.ForeignKeyConstraint(
            ["user_id", "medicine_id"],
            ["medicines.user_id", "medicines.id"],
            name=op.f("fk_stocks_user_id_medicine_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("medicine_id", name=op.f("pk_stocks")),
    )
    op.create_table(
        "reminder_versions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("reminder_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("dosage_amount", sa.Text(), nullable=True),
        sa.Column("dosage_unit", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "reminder_id"],
            ["reminders.user_id", "reminders.id"],
            name=op.f("fk_reminder_versions_user_id_reminder_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("reminder_id", "version", name=op.f("pk_reminder_versions")),
    )
    for table in PARTITIONED:  # the partitions themselves are made ahead by the engine, as time goes by
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    _seed_shards()


def _seed_shards() -> None:
    """A shard's cursors begin before anything can have been due, so the first sweep misses nothing."""
    op.bulk_insert(
        sa.table(
            "shards",
            sa.column("shard"),
            sa.column("claimed_due_at", sa.DateTime(timezone=True)),
            sa.column("claimed_id"),
            sa.column("closed_closes_at", sa.DateTime(timezone=True)),
            sa.column("closed_id"),
        ),
        [
            {
                "shard": shard,
                "claimed_due_at": BEFORE_ANY_DOSE,
                "claimed_id": 0,
                "closed_closes_at": BEFORE_ANY_DOSE,
                "closed_id": 0,
            }
            for shard in range(SHARDS)
        ],
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("reminder_versions")
    op.drop_table("stocks")
    op.drop_index(
        op.f("ix_reminders_planned_through_at"),
        table_name="reminders",
        postgresql_where=sa.text("planned_through_at IS NOT NULL"),
    )
    op.drop_index(op.f("ix_reminders_medicine_id"), table_name="reminders")
    op.drop_table("reminders")
    op.drop_index(op.f("ix_refresh_tokens_session_id"), table_name="refresh_tokens")
    op.drop_table("refresh_tokens")
    op.drop_index(
        op.f("ix_prescription_medicines_user_id_prescription_id_position"), table_name="prescription_medicines"
    )
    op.drop_table("prescription_medicines")
    op.drop_index(
        "uq_inventory_history_reverses_id",
        table_name="inventory_history",
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_inventory_history_log_id", table_name="inventory_history", postgresql_where=sa.text("log_id IS NOT NULL")
    )
    op.drop_index(op.f("ix_inventory_history_user_id_recorded_at_id"), table_name="inventory_history")
    op.drop_table("inventory_history")
    op.drop_table("time_zone_history")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(
        op.f("ix_prescriptions_next_notice_at"),
        table_name="prescriptions",
        postgresql_where=sa.text("next_notice_at IS NOT NULL"),
    )
    op.drop_table("prescriptions")
    op.drop_index(
        "uq_medicines_user_id_name_key", table_name="medicines", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.drop_table("medicines")
    op.drop_index(op.f("ix_channels_user_id"), table_name="channels")
    op.drop_table("channels")
    op.drop_index(op.f("ix_wakeups_shard_wake_at"), table_name="wakeups")
    op.drop_table("wakeups")
    op.drop_index("uq_users_email_key", table_name="users", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("users")
    op.drop_table("shards")
    op.drop_index(
        "uq_reminder_logs_event_key", table_name="reminder_logs", postgresql_where=sa.text("event_key IS NOT NULL")
    )
    op.drop_index(
        "uq_reminder_logs_current", table_name="reminder_logs", postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.drop_index(op.f("ix_reminder_logs_user_id_key_date"), table_name="reminder_logs")
    op.drop_table("reminder_logs")
    op.drop_table("pulses")
    op.drop_index(op.f("ix_outbox_ready_at"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_notifications_user_id_xid_id"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_index(op.f("ix_events_user_id_xid_id"), table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_doses_user_id_due_at"), table_name="doses")
    op.drop_index(op.f("ix_doses_shard_due_at_id"), table_name="doses")
    op.drop_index(op.f("ix_doses_shard_closes_at_id"), table_name="doses")
    op.drop_table("doses")
    op.drop_index(op.f("ix_deliveries_channel_id_recorded_at"), table_name="deliveries")
    op.drop_index(op.f("ix_deliveries_notification_id"), table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_index(op.f("ix_answered_requests_recorded_at"), table_name="answered_requests")
    op.drop_table("answered_requests")
    for name in SEQUENCES:
        op.execute(f"DROP SEQUENCE {name}")
