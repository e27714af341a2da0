"""Secrets: made once, private, the same at every start."""

import stat
from pathlib import Path

import pytest

from ops.keyring import open_keyring
from ops.refusal import Refusal


def test_secrets_are_private_long_and_the_same_at_the_next_start(tmp_path: Path) -> None:
    first, second = open_keyring(tmp_path), open_keyring(tmp_path)
    assert first == second
    assert len({first.secret_key, first.postgres, first.valkey}) == 3
    assert len(bytes.fromhex(first.secret_key)) == 32
    files = list((tmp_path / "secrets").iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600] * 3


def test_a_keyring_does_not_show_what_it_holds(tmp_path: Path) -> None:
    keyring = open_keyring(tmp_path)
    assert keyring.secret_key not in repr(keyring)


def test_a_secret_left_open_to_others_is_closed_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    open_keyring(tmp_path)
    path = tmp_path / "secrets" / "secret_key"
    path.chmod(0o644)
    open_keyring(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("\n")
    with pytest.raises(Refusal, match="is empty"):
        open_keyring(tmp_path)
