"""The call that wakes live streams after a commit: which shards have something new, on one channel of the broker.

Only a call: what there is to read is in the rows. A lost one costs a stream a few seconds, never a row.
"""

from collections.abc import Iterable

CHANNEL = "pillio:wake"


def encode(shards: Iterable[int]) -> str:
    return ",".join(map(str, shards))


def decode(message: bytes | str) -> set[int]:
    """Unreadable pieces are passed over: whoever else writes to the channel wakes nobody."""
    text = message.decode("ascii", "replace") if isinstance(message, bytes) else message
    return {int(piece) for piece in text.split(",") if piece.isascii() and piece.isdigit()}
