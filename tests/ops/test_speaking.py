"""Lines are put together from whatever pieces they arrive in."""

import pytest

from ops.speaking import Lines


def test_pieces_become_whole_lines_under_their_name(capfd: pytest.CaptureFixture[str]) -> None:
    lines = Lines("api")
    for piece in (b"one\ntw", b"o\n\xf0\x9f", b"\x92\x8a\nun", b"finished"):
        lines.feed(piece)
    lines.end()
    assert capfd.readouterr().out.splitlines() == [
        "api      | one",
        "api      | two",
        "api      | 💊",
        "api      | unfinished",
    ]
