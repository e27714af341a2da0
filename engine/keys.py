"""Keys for one purpose each, derived from SECRET_KEY, so that none of them can stand in for another.

Purposes in use: access tokens, stream tickets, refresh tokens, password pepper, channel addresses.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.settings import load

KEY_BYTES = 32


def derive(purpose: str) -> bytes:
    """32 bytes: the same for the same SECRET_KEY and purpose, in every process."""
    return _derive(load().secret_key.get_secret_value(), purpose)


@lru_cache(maxsize=32)
def _derive(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"pillio {purpose}".encode()).derive(secret.encode())
