"""Notifications with all that their words need, as one SELECT to build readers on, and as clients see them."""

from typing import Any

from sqlalchemy import RowMapping

from engine.notifications.wording import TYPES, action_url, words

RENDERED = (
    "SELECT n.id, n.xid::text::bigint AS xid, n.user_id, n.kind, n.subject_id, n.key_date, n.slot, n.segment,"
    " n.dose_id, n.medicine_id, n.due_at, n.planned_local, n.data, n.created_at, n.read_at, n.action_taken,"
    " m.name AS medicine_name, m.dosage AS medicine_dosage, m.unit AS medicine_unit,"
    " v.dosage_amount, v.dosage_unit, p.doctor_name, u.time_zone, u.time_zone_is_assumed"
    " FROM notifications n JOIN users u ON u.id = n.user_id"
    " LEFT JOIN medicines m ON m.id = n.medicine_id AND m.user_id = n.user_id"
    " LEFT JOIN reminder_versions v ON n.kind IN ('due', 'missed')"
    "  AND v.reminder_id = n.subject_id AND v.version = n.rule_version"
    " LEFT JOIN prescriptions p ON n.kind = 'prescription_expiry' AND p.id = n.subject_id AND p.user_id = n.user_id"
)
REFERENCES = {"due": "reminder", "missed": "reminder", "low_stock": "medicine", "prescription_expiry": "prescription"}


def view(row: RowMapping) -> dict[str, Any]:
    """A notification as the API and the stream show it."""
    said = words(row)
    is_dose = row["kind"] in ("due", "missed")
    return {
        "id": row["id"],
        "type": TYPES[row["kind"]],
        "kind": row["kind"],
        "title": said.title,
        "message": said.message,
        "is_read": row["read_at"] is not None,
        "read_at": row["read_at"],
        "action_taken": row["action_taken"],
        "action_url": action_url(row),
        "created_at": row["created_at"],
        "reference_type": REFERENCES[row["kind"]],
        "reference_id": row["subject_id"],
        "dose_id": row["dose_id"],
        "reminder_id": row["subject_id"] if is_dose else None,
        "medicine_id": row["medicine_id"],
        "due_at": row["due_at"],
        "scheduled_time": row["planned_local"].isoformat() if row["planned_local"] else None,
    }
