"""Telling people: the bell in the app, their outside channels, and what became of each message.

Owns `notifications`, `channels`, `outbox`, `deliveries`. A notification row is the claim on what it tells,
unique by subject and kind; outside messages are outbox steps of it, leased, sent outside any transaction, settled.
"""
