"""Settings from the environment and `.env`, read once at an edge and handed down.

Names are the plan's. A setting that looks like one of ours but is not (`SMPT_HOST`) is refused in words:
silently ignoring it would mean silently not telling people.
"""

import difflib
import os
import re
from email.utils import parseaddr
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = Path(__file__).parent.parent / ".env"
SAMPLE_KEYS = {"your-secret-key-here", "changethis", "secret"}
KEY_BYTES_MIN = 32
NAME_LENGTH_TO_JUDGE = 8  # HOSTS and PORT0 are other people's


class SettingsError(Exception):
    """What is wrong with the configuration, in one sentence for an operator."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", env_ignore_empty=True, frozen=True)

    # a password may be in these: nobody who prints the settings prints it
    database_url: str = Field(repr=False, description="PostgreSQL, in any spelling of the scheme")
    redis_url: str = Field(repr=False, description="Redis or Valkey: the broker and the wake-up calls of the stream")
    secret_key: SecretStr = Field(description="Signs and encrypts; at least 32 bytes")

    access_token_expire_minutes: int = Field(30, ge=1, le=1440)
    refresh_token_expire_days: int = Field(7, ge=1, le=90)
    remember_me_expire_days: int = Field(30, ge=1, le=365)
    bcrypt_rounds: int = Field(12, ge=4, le=16)

    default_time_zone: str | None = Field(None, description="Of people who have not chosen; else the host's")
    cors_origins: str = Field("http://localhost:8080", description="Comma-separated; where the React app is served")
    public_base_url: str | None = Field(None, description="How links of ours begin; else http://localhost:PORT")
    trusted_proxies: str = Field("", description="Comma-separated addresses whose X-Forwarded-For counts")

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    stream_port: int = Field(8001, ge=1, le=65535)
    flower_port: int = Field(5555, ge=1, le=65535)
    pillio_home: Path = Field(Path("var"), description="Data of the one-machine stack")

    smtp_host: str | None = None
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: str = Field("auto", description="auto, none, starttls or tls; true and false are understood")
    emails_from_email: str | None = None
    smtp_timeout_seconds: int = Field(10, ge=1, le=30)  # shorter than a lease (delivery.py)

    deadman_url: SecretStr | None = Field(None, description="Asked once a minute while nothing due is unclaimed")

    upload_dir: Path = Path("uploads")
    max_file_size: int = Field(5_242_880, ge=1)
    allowed_file_types: str = "jpg,jpeg,png,pdf"

    @field_validator("database_url")
    @classmethod
    def _one_driver(cls, url: str) -> str:
        """`postgres://`, `postgresql://` and `postgresql+asyncpg://` all mean the same server to us."""
        scheme, _, rest = url.partition("://")
        if scheme.split("+")[0] not in {"postgres", "postgresql"} or not rest:
            raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host/pillio")
        return f"postgresql+psycopg://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, url: str) -> str:
        if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must be a Redis URL such as redis://host:6379/0")
        return url

    @field_validator("secret_key")
    @classmethod
    def _strong_key(cls, key: SecretStr) -> SecretStr:
        value = key.get_secret_value()
        if value in SAMPLE_KEYS or len(value.encode()) < KEY_BYTES_MIN:
            raise ValueError("must be at least 32 random bytes, not the sample; try: openssl rand -hex 32")
        return key

    @field_validator("default_time_zone")
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError("must be an IANA time zone such as Europe/Riga")
        return name

    @field_validator("smtp_tls")
    @classmethod
    def _tls_mode(cls, mode: str) -> str:
        known = {"true": "starttls", "1": "starttls", "false": "none", "0": "none", "ssl": "tls"}
        mode = known.get(mode.lower(), mode.lower())
        if mode not in {"auto", "none", "starttls", "tls"}:
            raise ValueError("must be auto, none, starttls or tls")
        return mode

    @field_validator("smtp_user", "smtp_password")
    @classmethod
    def _in_ascii(cls, secret: str | SecretStr | None) -> str | SecretStr | None:
        text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        if text is not None and not text.isascii():
            raise ValueError("must be in ASCII: Python's SMTP cannot sign in with anything else")
        return secret

    @field_validator("emails_from_email")
    @classmethod
    def _an_address(cls, text: str | None) -> str | None:
        if text is not None and not (text.isprintable() and _is_address(parseaddr(text)[1])):
            raise ValueError("must be an address, such as reminders@example.org or Pillio <reminders@example.org>")
        return text

    @model_validator(mode="after")
    def _who_writes(self) -> "Settings":
        """A relay without a sender would be a Pillio that silently sends nothing."""
        if self.smtp_host and not (self.emails_from_email or _is_address(self.smtp_user or "")):
            raise ValueError("EMAILS_FROM_EMAIL is not set: with SMTP_HOST it says who the messages come from")
        return self

    @cached_property
    def has_email(self) -> bool:
        return bool(self.smtp_host)

    @cached_property
    def sender(self) -> tuple[str, str]:
        """Name and address of who writes; where only a relay's user is known, that is it."""
        name, address = parseaddr(self.emails_from_email or self.smtp_user or "")
        return name or "Pillio", address

    @cached_property
    def base_url(self) -> str:
        return (self.public_base_url or f"http://localhost:{self.port}").rstrip("/")

    @cached_property
    def stream_url(self) -> str:
        """Where the live stream is reached: behind PUBLIC_BASE_URL a proxy routes its path, else it has its port."""
        return self.base_url if self.public_base_url else f"http://localhost:{self.stream_port}"

    @cached_property
    def assumed_time_zone(self) -> str:
        """For a person who has not said where they live: the operator's word, else this host's."""
        return self.default_time_zone or _host_time_zone()


def _host_time_zone() -> str:
    name = os.environ.get("TZ", "").lstrip(":")
    link = Path("/etc/localtime")
    if not name and link.is_symlink():
        name = str(link.readlink()).partition("zoneinfo/")[2]
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (OSError, ValueError, KeyError):  # a path, or the old way to spell a zone: EET-2EEST
        return "UTC"


def _is_address(text: str) -> bool:
    return bool(re.fullmatch(r"[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+", text))


def _refuse_misspelt(names: list[str], in_file: set[str]) -> None:
    """In `.env` all that is nearly ours; in the environment, where others keep theirs, only what nothing else explains:
    the setting it resembles is missing."""
    ours = {name.upper() for name in Settings.model_fields}
    given = {name.upper() for name in names}
    for name in names:
        upper = name.upper()
        if upper in ours or upper.startswith("PILLIO_TEST_"):
            continue
        close = difflib.get_close_matches(upper, ours if name in in_file else ours - given, n=1, cutoff=0.85)
        if upper.startswith(("PILLIO_", "SMTP_", "EMAILS_")) or (close and len(upper) >= NAME_LENGTH_TO_JUDGE):
            close = close or difflib.get_close_matches(upper, ours, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{name} is not a setting of Pillio{hint}")


@lru_cache(maxsize=1)
def load() -> Settings:
    """The settings of this process. Raises `SettingsError` with one sentence about the first thing wrong."""
    in_file = set(dotenv_values(ENV_FILE)) if ENV_FILE.is_file() else set()
    _refuse_misspelt(sorted(set(os.environ) | in_file), in_file)
    try:
        return Settings(_env_file=ENV_FILE)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"{first['loc'][0]} ".upper() if first["loc"] else ""
        reason = "is not set" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}{reason}") from None
