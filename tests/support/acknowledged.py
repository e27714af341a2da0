"""What a relay has, compared with what the database says of it: whoever fell over in between, the two must agree."""

from collections import Counter

from sqlalchemy import Engine, text

from tests.support.mailbox import Letter

_SENT = "SELECT notification_id || '.' || step AS key, may_repeat, outcome FROM deliveries"
_WAITING = "SELECT notification_id || '.' || step AS key, fence > attempts + 1 AS may_repeat FROM outbox"
_ADDRESS = (
    "SELECT n.id || '.' || m.step AS key, u.email FROM (SELECT notification_id, step FROM outbox UNION ALL"
    " SELECT notification_id, step FROM deliveries) m JOIN notifications n ON n.id = m.notification_id"
    " JOIN users u ON u.id = n.user_id"
)


def assert_letters(engine: Engine, letters: list[Letter], *, in_flight: int = 0) -> None:
    """What the relay has is what is called sent, each for its person, once. With so many sends in flight when
    their senders died, at most so many came twice, and each of those is marked as one that may have."""
    copies = Counter(_key(letter) for letter in letters)
    with engine.connect() as connection:
        settled = {row.key: row for row in connection.execute(text(_SENT))}
        waiting = {row.key: row for row in connection.execute(text(_WAITING))}
        address = {row.key: row.email for row in connection.execute(text(_ADDRESS))}
    lost = sorted(key for key, row in settled.items() if row.outcome == "sent" and not copies[key])
    assert not lost, f"called sent, and the relay never had them: {lost}"
    unknown = sorted(copies.keys() - settled.keys() - waiting.keys())
    assert not unknown, f"the relay has letters nobody knows of: {unknown}"
    astray = sorted(key for each in letters if address[key := _key(each)] not in each.recipients)
    assert not astray, f"letters to somebody else: {astray}"
    twice = {key: count for key, count in copies.items() if count > 1}
    assert sum(twice.values()) - len(twice) <= in_flight, f"more repeats than were in flight: {twice}"
    uncounted = sorted(key for key in twice if not (settled.get(key) or waiting[key]).may_repeat)
    assert not uncounted, f"came twice and is not counted: {uncounted}"


def _key(letter: Letter) -> str:
    return str(letter.message["X-Pillio-Notification"])
