"""Dosing rules, versioned. An edit adds a version; doses already due keep the one they had.

Owns `reminders`, `reminder_versions`. What a rule means in time is `schedules`; which doses follow is `doses`.
"""
