"""Above doses and notifications: claim what is due, close what is over, walk the wake-ups.

Owns `shards` (cursors, one lease row each) and `wakeups`. The one package that writes doses' outcomes and
notifications in one statement, because at 08:00 a hundred thousand of them are due.
"""
