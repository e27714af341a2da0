"""Two indexes that cost every planned dose, and every planned rule, more than they saved their readers.

Revision: 0003, after 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_doses_user_id_due_at"), table_name="doses")
    op.drop_index(op.f("ix_reminders_medicine_id"), table_name="reminders")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(op.f("ix_reminders_medicine_id"), "reminders", ["medicine_id"], unique=False)
    op.create_index(op.f("ix_doses_user_id_due_at"), "doses", ["user_id", "due_at"], unique=False)
