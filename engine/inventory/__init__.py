"""What is left: the stock ledger. Entries are appended, corrections are new entries, the balance never lies.

Owns `stocks` (one row per medicine, the lock) and `inventory_history` (the entries). Laws, checked by tests
and by constraints: the balance equals the sum of changes and the last `new_stock`; `seq` has no gaps; the
balance never goes below zero (what was taken beyond it is the entry's `shortfall`).
"""
