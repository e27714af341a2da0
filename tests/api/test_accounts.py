"""Registering, signing in and one's own profile over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from engine.accounts import passwords
from engine.accounts.models import User
from tests.support.callers import PASSWORD, Caller
from tests.support.standing import StandingClock

ADA = {"email": "ada@example.com", "password": PASSWORD}


def test_whoever_registers_is_signed_in(anybody: Caller) -> None:
    said = ADA | {"first_name": "Ada", "last_name": "Lovelace", "time_zone": "Europe/Riga"}
    answer = anybody.call("POST", "/auth/register", json=said)

    tokens = answer.json()
    assert answer.status_code == 201
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 30 * 60)
    me = anybody.signed_in(tokens).get("/auth/me")
    assert set(me) == {
        "id", "email", "first_name", "last_name", "phone", "time_zone", "time_zone_is_assumed", "created_at",
        "updated_at",
    }  # fmt: skip
    assert (me["email"], me["first_name"], me["last_name"], me["phone"]) == (
        "ada@example.com",
        "Ada",
        "Lovelace",
        None,
    )
    assert (me["time_zone"], me["time_zone_is_assumed"]) == ("Europe/Riga", False)
    assert datetime.fromisoformat(me["created_at"]).tzinfo is not None


def test_who_gives_no_zone_gets_one_that_is_assumed(anybody: Caller) -> None:
    for email, more in [
        ("a@example.com", {}),
        ("b@example.com", {"time_zone": None}),
        ("c@example.com", {"time_zone": ""}),
    ]:
        tokens = anybody.post("/auth/register", {"email": email, "password": PASSWORD} | more)
        assert anybody.signed_in(tokens).get("/auth/me")["time_zone_is_assumed"] is True


@pytest.mark.usefixtures("ada")
def test_an_address_has_one_account_however_it_is_spelt(anybody: Caller) -> None:
    for again in ("ada@example.com", "Ada@Example.COM", "  ADA@example.com ", "ａda@example.com"):
        problem = anybody.refused(409, "POST", "/auth/register", {"email": again, "password": PASSWORD})
        assert problem["code"] == "email_taken"


def test_of_twenty_who_register_one_address_at_once_one_gets_it(
    anybody: Caller, committed: sessionmaker[Session]
) -> None:
    spellings = ["erika@example.com", "Erika@EXAMPLE.com"] * 10
    said = [{"email": spelling, "password": PASSWORD} for spelling in spellings]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda each: anybody.call("POST", "/auth/register", json=each), said))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.parametrize(
    ("password", "code", "hint"),
    [
        ("short12", "password_too_short", "at least 8 characters"),
        ("password1", "password_too_weak", "another password"),
        ("Pillio2026", "password_too_weak", "another password"),
        ("ada@example.com", "password_too_weak", "another password"),
        ("Ada Lovelace", "password_too_weak", "another password"),
        ("        ", "password_too_weak", "another password"),
        ("kettle " * 200, "password_too_long", "at most 1024 characters"),
    ],
)
def test_a_password_that_would_be_guessed_is_refused_with_what_to_do(
    anybody: Caller, password: str, code: str, hint: str
) -> None:
    said = ADA | {"password": password, "first_name": "Ada", "last_name": "Lovelace"}
    problem = anybody.refused(422, "POST", "/auth/register", said)

    assert problem["code"] == code
    assert hint in problem["detail"]


def test_a_password_counts_exactly_as_it_was_typed(anybody: Caller) -> None:
    typed = "  ключ от маяка 🗝️  "
    anybody.post("/auth/register", ADA | {"password": typed})

    anybody.post("/auth/login", ADA | {"password": typed})
    for other in (typed.strip(), typed[:-1], typed.upper(), typed * 20):
        assert anybody.refused(401, "POST", "/auth/login", ADA | {"password": other})["code"] == "wrong_credentials"


def test_what_cannot_be_an_address_is_refused_in_words(anybody: Caller) -> None:
    for email in (
        "",
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@example",
        "ada@exa\x00mple.com",
        "a" * 300,
    ):
        assert "mail" in anybody.refused(422, "POST", "/auth/register", ADA | {"email": email})["detail"]


def test_an_unknown_zone_is_refused_in_words(anybody: Caller) -> None:
    for zone in ("Mars/Phobos", "Factory", "../../etc/passwd", "europe/riga"):
        problem = anybody.refused(422, "POST", "/auth/register", ADA | {"time_zone": zone})
        assert problem["detail"] == "Please choose a time zone such as Europe/Riga."


@pytest.mark.usefixtures("ada")
def test_signing_in_cares_for_no_spelling_of_the_address(anybody: Caller) -> None:
    for email in ("ada@example.com", "ADA@Example.com", " ada@example.com "):
        tokens = anybody.post("/auth/login", {"email": email, "password": PASSWORD, "remember_me": True})
        assert anybody.signed_in(tokens).get("/auth/me")["email"] == "ada@example.com"


def test_a_wrong_password_and_an_unknown_address_look_the_same(anybody: Caller, ada: Caller) -> None:
    wrong = anybody.call("POST", "/auth/login", json=ADA | {"password": "lighthouse keeper's cat"})
    unknown = anybody.call("POST", "/auth/login", json=ADA | {"email": "nobody@example.com"})
    no_address = anybody.call("POST", "/auth/login", json=ADA | {"email": "nobody"})

    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"] == "Bearer"
    assert wrong.content == unknown.content == no_address.content


def test_an_unknown_address_is_hashed_for_as_well(anybody: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    checkpw = passwords.bcrypt.checkpw

    def noting(password: bytes, stored: bytes) -> bool:
        hashed.append(stored.decode())
        return checkpw(password, stored)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", noting)
    anybody.refused(401, "POST", "/auth/login", ADA)

    [stored] = hashed
    assert stored.startswith("$2b$04$")  # of the same cost as real ones are in these tests


def test_a_profile_keeps_what_is_not_sent_and_clears_what_is_emptied(ada: Caller) -> None:
    ada.patch("/auth/me", {"last_name": "Lovelace", "phone": "+371 2000 0000"})
    assert ada.put("/users/me", {"phone": ""}) == ada.get("/auth/me")

    me = ada.get("/users/me")
    assert (me["first_name"], me["last_name"], me["phone"]) == ("Ada", "Lovelace", None)
    assert ada.patch("/users/me", {"first_name": " "})["first_name"] is None
    assert ada.put("/auth/me", {"last_name": None})["last_name"] is None
    assert ada.get("/auth/me")["email"] == "ada@example.com"


def test_the_first_choice_of_a_zone_moves_the_reminders_and_later_ones_do_not(
    clock: StandingClock, anybody: Caller, bob: Caller
) -> None:
    bobs = bob.get(f"/reminders/{bob.remind(bob.add_medicine(), '20:00')}")
    ada = anybody.join("ada")
    reminder = ada.remind(ada.add_medicine(), "20:00")
    assumed = ada.get("/auth/me")["time_zone"]
    assert (ada.get(f"/reminders/{reminder}")["time_zone"], ada.get("/auth/me")["time_zone_is_assumed"]) == (
        assumed,
        True,
    )

    me = ada.patch("/auth/me", {"time_zone": "Pacific/Apia"})
    moved = ada.get(f"/reminders/{reminder}")
    ada.patch("/auth/me", {"time_zone": "Europe/Riga"})
    kept = ada.get(f"/reminders/{reminder}")

    assert (me["time_zone"], me["time_zone_is_assumed"]) == ("Pacific/Apia", False)
    assert (moved["time_zone"], moved["reminder_time"]) == ("Pacific/Apia", "20:00:00")
    assert moved["next_dose_at"] == "2026-03-03T07:00:00Z"  # 20:00 in Apia, which is UTC+13
    assert kept == moved
    assert bob.get(f"/reminders/{bobs['id']}") == bobs


def test_nobody_makes_themselves_somebody_else(ada: Caller, anybody: Caller, bob: Caller) -> None:
    before = ada.get("/auth/me")
    for more in ({"id": 1}, {"user_id": 1}, {"is_superuser": True}, {"shard": 3}, {"email": "bob@example.com"}):
        ada.refused(422, "PATCH", "/auth/me", {"first_name": "Eve"} | more)
    for more in ({"id": 1}, {"is_superuser": True}, {"shard": 3}, {"email_key": "x"}, {"password_hash": "x"}):
        anybody.refused(422, "POST", "/auth/register", {"email": "eve@example.com", "password": PASSWORD} | more)

    assert ada.get("/auth/me") == before
