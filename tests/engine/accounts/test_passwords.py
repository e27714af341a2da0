"""Passwords: any length counts in full, the weak are refused in words."""

import pytest

from engine.accounts.passwords import check_strength, hash_password, verify_password
from engine.errors import Invalid

PEPPER = b"only for tests: 32 bytes of it.."
ROUNDS = 4


@pytest.mark.parametrize(
    "plain", ["kettle lighthouse", "ļoti slepena parole", "🔒" * 64, "x" * 10_000, "nul\0inside", "", "\ud800"]
)
def test_what_was_typed_matches_and_nothing_else_does(plain: str) -> None:
    hashed = hash_password(plain, pepper=PEPPER, rounds=ROUNDS)
    assert verify_password(plain, hashed, pepper=PEPPER)
    assert not verify_password(plain + "!", hashed, pepper=PEPPER)
    assert not verify_password(plain, hashed, pepper=b"another pepper of thirty-two byte")


def test_a_difference_beyond_the_72nd_byte_counts() -> None:
    hashed = hash_password("a" * 72 + "b", pepper=PEPPER, rounds=ROUNDS)
    assert not verify_password("a" * 72 + "c", hashed, pepper=PEPPER)


def test_two_spellings_of_one_word_are_two_passwords() -> None:
    hashed = hash_password("caf\u00e9 au lait", pepper=PEPPER, rounds=ROUNDS)
    assert not verify_password("cafe\u0301 au lait", hashed, pepper=PEPPER)


@pytest.mark.parametrize("hashed", [None, "", "nonsense", "$2b$04$tooshort", "$2b$99$" + "a" * 53, "ģ"])
def test_without_a_proper_hash_nothing_matches_and_nothing_breaks(hashed: str | None) -> None:
    assert not verify_password("kettle lighthouse", hashed, pepper=PEPPER, rounds=ROUNDS)


@pytest.mark.parametrize(
    ("plain", "code"),
    [
        ("short", "password_too_short"),
        ("x" * 1025, "password_too_long"),
        ("password", "password_too_weak"),
        ("12345678", "password_too_weak"),
        ("qwertyuiop", "password_too_weak"),
        ("Pillio123", "password_too_weak"),
        ("ada.lovelace", "password_too_weak"),
        ("ada@example.com", "password_too_weak"),
        ("aaaaaaaaaaaaaaaa", "password_too_weak"),
    ],
)
def test_what_a_guesser_would_try_soon_is_refused_in_words(plain: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_strength(plain, ["ada@example.com", "ada.lovelace"])
    assert refused.value.code == code
    assert "ada" not in refused.value.detail


@pytest.mark.parametrize(
    "plain",
    [
        "lighthouse keeper's kettle",
        "tr0ub4dor&3x!",
        "Sarkana-zupa7",
        "🔒🗝🚪🪟🛋🛏🚿🛁",
        "lighthouse keeper's kettle " * 30,
    ],
)
def test_a_good_password_needs_no_composition(plain: str) -> None:
    check_strength(plain, ["ada@example.com"])


def test_eight_characters_are_enough_if_they_are_good_ones() -> None:
    check_strength("xK9#qLm2", [])
