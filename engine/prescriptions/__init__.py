"""What was ordered: by whom, when, which lines, and until when it is valid.

Owns `prescriptions`, `prescription_medicines`. Tells of an expiry by appending a fact; `notifications` reads it.
"""
