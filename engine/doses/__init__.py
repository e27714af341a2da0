"""The plan and what came of it: occurrences as rows, a few days ahead, and the permanent record of outcomes.

Owns `doses` (immutable once due; partitioned by planned local day, dropped when closed) and `reminder_logs`
(outcomes as revisions, kept for good). A dose is (reminder_id, key_date, slot, segment): never the rule's version
and never the instant, so an edit, a clock change or a new tzdata moves it and cannot duplicate it.
"""
