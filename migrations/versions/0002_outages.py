"""When our own clock stood still, kept as a fact.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "outages",
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ended_at > began_at", name=op.f("ck_outages_has_lasted")),
        sa.PrimaryKeyConstraint("began_at", name=op.f("pk_outages")),
    )
    op.drop_constraint(op.f("ck_wakeups_known_kind"), "wakeups")
    op.create_check_constraint(op.f("ck_wakeups_known_kind"), "wakeups", "kind IN ('snooze', 'close')")
    op.create_index(op.f("ix_outages_ended_at"), "outages", ["ended_at"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("outages")
    op.execute("DELETE FROM wakeups WHERE kind = 'close'")
    op.drop_constraint(op.f("ck_wakeups_known_kind"), "wakeups")
    op.create_check_constraint(op.f("ck_wakeups_known_kind"), "wakeups", "kind IN ('snooze')")
