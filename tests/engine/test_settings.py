"""Settings: every spelling that means the same, and one sentence about whatever is wrong, without its value."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import settings
from engine.settings import Settings, SettingsError

NEEDED = {
    "DATABASE_URL": "postgresql://pillio:hidden-word@db.example/pillio",
    "REDIS_URL": "redis://:hidden-word@queue.example:6379/0",
    "SECRET_KEY": "hidden-word-that-is-long-enough-to-sign-with",
}


@pytest.fixture(autouse=True)
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Only what is needed is set, and `.env` is a file of this test's own."""
    for name in [*os.environ]:
        if name.upper() in {each.upper() for each in Settings.model_fields}:
            monkeypatch.delenv(name)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(settings, "ENV_FILE", tmp_path / ".env")
    settings.load.cache_clear()
    yield tmp_path / ".env"
    monkeypatch.undo()
    settings.load.cache_clear()


@pytest.fixture
def setenv(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        settings.load()
    said = str(refused.value)
    assert refused.value.__cause__ is None
    assert "hidden-word" not in said
    assert "\n" not in said
    return said


# --- servers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_spelling_of_the_database_means_the_same_driver(setenv: pytest.MonkeyPatch, scheme: str) -> None:
    setenv.setenv("DATABASE_URL", f"{scheme}://ada:a%40b@db.example:5433/pillio?sslmode=require")
    assert settings.load().database_url == "postgresql+psycopg://ada:a%40b@db.example:5433/pillio?sslmode=require"


@pytest.mark.parametrize("url", ["mysql://ada:hidden-word@db/pillio", "postgresql://", "hidden-word", "sqlite:///x.db"])
def test_another_database_is_refused(setenv: pytest.MonkeyPatch, url: str) -> None:
    setenv.setenv("DATABASE_URL", url)
    assert refusal() == "DATABASE_URL must be a PostgreSQL URL such as postgresql://user:password@host/pillio"


@pytest.mark.parametrize("url", ["redis://h:6379/0", "rediss://h", "unix:///run/valkey.sock"])
def test_a_queue_is_reached_by_any_redis_url(setenv: pytest.MonkeyPatch, url: str) -> None:
    setenv.setenv("REDIS_URL", url)
    assert settings.load().redis_url == url


def test_another_queue_is_refused(setenv: pytest.MonkeyPatch) -> None:
    setenv.setenv("REDIS_URL", "amqp://guest:hidden-word@rabbit")
    assert refusal() == "REDIS_URL must be a Redis URL such as redis://host:6379/0"


@pytest.mark.parametrize("name", list(NEEDED))
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_needed_and_not_set_is_named(setenv: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        setenv.delenv(name)
    else:
        setenv.setenv(name, value)
    assert refusal() == f"{name} is not set"


# --- the key --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["your-secret-key-here", "changethis", "k" * 31, "hidden-word", "ä" * 15])
def test_a_sample_or_short_key_is_refused_in_words(setenv: pytest.MonkeyPatch, key: str) -> None:
    setenv.setenv("SECRET_KEY", key)
    assert refusal() == ("SECRET_KEY must be at least 32 random bytes, not the sample; try: openssl rand -hex 32")


@pytest.mark.parametrize("key", ["k" * 32, "ä" * 16])
def test_a_key_of_32_bytes_is_taken(setenv: pytest.MonkeyPatch, key: str) -> None:
    setenv.setenv("SECRET_KEY", key)
    assert settings.load().secret_key.get_secret_value() == key


def test_whoever_prints_the_settings_prints_no_secret(setenv: pytest.MonkeyPatch) -> None:
    setenv.setenv("SMTP_HOST", "relay.example")
    setenv.setenv("EMAILS_FROM_EMAIL", "pillio@example.org")
    setenv.setenv("SMTP_PASSWORD", "hidden-word")
    assert "hidden-word" not in f"{settings.load()!r} {settings.load()}"


# --- misspelt names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SMPT_HOST", "SMTP_HOST"),
        ("SMTP_HOTS", "SMTP_HOST"),
        ("smtp_pasword", "SMTP_PASSWORD"),
        ("EMAILS_FROM", "EMAILS_FROM_EMAIL"),
        ("ACCESS_TOKEN_EXPIRES_MINUTES", "ACCESS_TOKEN_EXPIRE_MINUTES"),
        ("PILLIO_HOUSE", "PILLIO_HOME"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_misspelt_setting_is_refused_with_what_was_meant(
    setenv: pytest.MonkeyPatch, env_file: Path, name: str, meant: str, in_file: bool
) -> None:
    if in_file:
        env_file.write_text(f"{name}=hidden-word\n")
    else:
        setenv.setenv(name, "hidden-word")
    assert refusal() == f"{name} is not a setting of Pillio; did you mean {meant}?"


def test_a_name_like_ours_that_means_nothing_is_refused_without_a_guess(setenv: pytest.MonkeyPatch) -> None:
    setenv.setenv("SMTP_LOCALHOST_WITH_GREETING", "1")
    assert refusal() == "SMTP_LOCALHOST_WITH_GREETING is not a setting of Pillio"


@pytest.mark.parametrize("name", ["HOSTNAME", "PORTS", "PORT0", "REDIS_TLS_URL", "CELERY_BROKER_URL", "PILLIO_TEST_X"])
def test_other_peoples_variables_are_left_alone(setenv: pytest.MonkeyPatch, name: str) -> None:
    setenv.setenv(name, "1")
    assert settings.load()


def test_a_neighbours_variable_is_left_alone_where_ours_is_set(setenv: pytest.MonkeyPatch, env_file: Path) -> None:
    setenv.setenv("REDIS_URI", "redis://somebody-elses")
    assert settings.load()

    setenv.delenv("REDIS_URI")
    env_file.write_text("REDIS_URI=redis://ours")  # this file is Pillio's alone
    settings.load.cache_clear()
    assert refusal() == "REDIS_URI is not a setting of Pillio; did you mean REDIS_URL?"


# --- .env -----------------------------------------------------------------------------------------------------------


def test_the_file_is_read_and_the_environment_wins(setenv: pytest.MonkeyPatch, env_file: Path) -> None:
    env_file.write_text("# ours\nPORT=9000\nBCRYPT_ROUNDS=4\nSMTP_HOST=\nexport DEFAULT_TIME_ZONE='Europe/Riga'\n")
    setenv.setenv("PORT", "9001")
    setenv.setenv("BCRYPT_ROUNDS", "")
    read = settings.load()
    assert (read.port, read.bcrypt_rounds, read.smtp_host, read.assumed_time_zone) == (9001, 4, None, "Europe/Riga")


def test_settings_are_read_once(setenv: pytest.MonkeyPatch) -> None:
    first = settings.load()
    setenv.setenv("PORT", "9001")
    assert settings.load() is first


# --- numbers and zones ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORT", "hidden-word", "valid integer"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "0", "greater than or equal to 1"),
        ("SMTP_TIMEOUT_SECONDS", "31", "less than or equal to 30"),
        ("BCRYPT_ROUNDS", "3", "greater than or equal to 4"),
        ("SMTP_TLS", "hidden-word", "auto, none, starttls or tls"),
        ("SMTP_PASSWORD", "hidden-wörd", "ASCII"),
    ],
)
def test_a_value_out_of_bounds_is_refused_and_not_repeated(
    setenv: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    setenv.setenv(name, value)
    said = refusal()
    assert said.startswith(f"{name} ")
    assert why in said
    assert "wörd" not in said


@pytest.mark.parametrize("zone", ["Europe/Rigaa", "+02:00", "hidden-word", "../etc/passwd"])
def test_an_unknown_zone_is_refused(setenv: pytest.MonkeyPatch, zone: str) -> None:
    setenv.setenv("DEFAULT_TIME_ZONE", zone)
    assert refusal() == "DEFAULT_TIME_ZONE must be an IANA time zone such as Europe/Riga"


@pytest.mark.parametrize(
    ("tz", "zone"),
    [
        ("America/New_York", "America/New_York"),
        (":Europe/Riga", "Europe/Riga"),
        ("no/where", "UTC"),
        ("EET-2EEST,M3.5.0", "UTC"),
        ("/etc/localtime", "UTC"),
    ],
)
def test_without_a_default_zone_this_machines_is_assumed(setenv: pytest.MonkeyPatch, tz: str, zone: str) -> None:
    setenv.setenv("TZ", tz)
    assert settings.load().assumed_time_zone == zone


# --- e-mail ---------------------------------------------------------------------------------------------------------


def test_a_relay_without_a_sender_is_refused(setenv: pytest.MonkeyPatch) -> None:
    setenv.setenv("SMTP_HOST", "relay.example")
    assert refusal() == "EMAILS_FROM_EMAIL is not set: with SMTP_HOST it says who the messages come from"


@pytest.mark.parametrize(
    ("said", "sender"),
    [
        ({"EMAILS_FROM_EMAIL": "pillio@example.org"}, ("Pillio", "pillio@example.org")),
        ({"EMAILS_FROM_EMAIL": "At home <pillio@nas>"}, ("At home", "pillio@nas")),
        ({"SMTP_USER": "ada@example.org"}, ("Pillio", "ada@example.org")),
        ({"SMTP_USER": "ada", "EMAILS_FROM_EMAIL": "pillio@example.org"}, ("Pillio", "pillio@example.org")),
    ],
)
def test_who_writes_is_what_was_set_or_else_the_relays_user(
    setenv: pytest.MonkeyPatch, said: dict[str, str], sender: tuple[str, str]
) -> None:
    setenv.setenv("SMTP_HOST", "relay.example")
    for name, value in said.items():
        setenv.setenv(name, value)
    assert settings.load().has_email
    assert settings.load().sender == sender


@pytest.mark.parametrize("text", ["hidden-word", "ada@", "@example.org", "ada lovelace", "a@b\r\nBcc: c@d", "ä@b.org"])
def test_a_sender_that_is_no_address_is_refused(setenv: pytest.MonkeyPatch, text: str) -> None:
    setenv.setenv("EMAILS_FROM_EMAIL", text)
    assert refusal().startswith("EMAILS_FROM_EMAIL must be an address")


def test_without_a_relay_there_is_no_mail(setenv: pytest.MonkeyPatch) -> None:
    setenv.setenv("EMAILS_FROM_EMAIL", "pillio@example.org")
    assert not settings.load().has_email


def test_links_of_ours_begin_where_this_pillio_is_reached(setenv: pytest.MonkeyPatch) -> None:
    assert settings.load().base_url == "http://localhost:8000"
    settings.load.cache_clear()
    setenv.setenv("PUBLIC_BASE_URL", "https://pillio.example/")
    assert settings.load().base_url == "https://pillio.example"
