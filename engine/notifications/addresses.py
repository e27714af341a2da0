"""Addresses at rest: typed fields, encrypted; shown masked, logged never."""

import base64
import json

from cryptography.fernet import Fernet

from engine import keys


def _box() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(keys.derive("channel addresses")))


def seal(fields: dict[str, str]) -> bytes:
    return _box().encrypt(json.dumps(fields).encode())


def unseal(sealed: bytes) -> dict[str, str]:
    """Raises cryptography.fernet.InvalidToken if SECRET_KEY is not the one it was sealed under."""
    fields: dict[str, str] = json.loads(_box().decrypt(sealed))
    return fields


def masked_email(address: str) -> str:
    """ "ada@example.org" is shown as "a…@example.org"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
