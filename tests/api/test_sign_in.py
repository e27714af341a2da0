"""Tokens over HTTP: refreshed, ended, and refused in every way they can be wrong."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest

from api import tokens
from engine import keys
from tests.support.callers import PASSWORD, Caller, problem_of
from tests.support.standing import StandingClock
from tests.support.wire import ask

A_MINUTE_MORE_THAN_AN_ACCESS_TOKEN_LASTS = 31


def refresh(caller: Caller, refresh_token: str) -> Any:
    return caller.post("/auth/refresh", {"refresh_token": refresh_token})


def is_signed_in(caller: Caller, pair: dict[str, Any]) -> bool:
    return caller.signed_in(pair).call("GET", "/auth/me").status_code == 200


# --- refreshing -----------------------------------------------------------------------------------------------------


def test_a_refresh_answers_both_tokens_anew(clock: StandingClock, anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    clock.move(minutes=A_MINUTE_MORE_THAN_AN_ACCESS_TOKEN_LASTS)
    assert not is_signed_in(anybody, ada.tokens)

    pair = refresh(anybody, ada.tokens["refresh_token"])

    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert pair["refresh_token"] != ada.tokens["refresh_token"]
    assert is_signed_in(anybody, pair)


def test_all_who_refresh_one_token_at_once_get_the_same_successor(anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    spent = ada.tokens["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        pairs = list(pool.map(lambda _: refresh(anybody, spent), range(20)))

    assert len({pair["refresh_token"] for pair in pairs}) == 1
    assert all(is_signed_in(anybody, pair) for pair in pairs)
    assert refresh(anybody, spent)["refresh_token"] == pairs[0]["refresh_token"]  # an answer that was lost


def test_a_token_two_generations_old_ends_the_sign_in_for_everybody(anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    second = refresh(anybody, ada.tokens["refresh_token"])
    third = refresh(anybody, second["refresh_token"])

    stolen = {"refresh_token": ada.tokens["refresh_token"]}
    assert anybody.refused(401, "POST", "/auth/refresh", stolen)["code"] == "session_over"

    assert not any(is_signed_in(anybody, pair) for pair in (ada.tokens, second, third))
    anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": third["refresh_token"]})


def test_a_refresh_token_that_never_was_is_401(anybody: Caller) -> None:
    for token in ("", "undefined", "x" * 4096, "\x00", "ключ", "../../", "null"):
        assert anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": token})["code"] == "session_over"


def test_an_access_token_refreshes_nothing_and_a_refresh_token_opens_nothing(anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": ada.tokens["access_token"]})

    swapped = anybody.signed_in({"access_token": ada.tokens["refresh_token"]})
    assert swapped.refused(401, "GET", "/auth/me")["code"] == "token_invalid"


def test_being_remembered_lasts_thirty_days_and_otherwise_seven(
    clock: StandingClock, anybody: Caller, ada: Caller
) -> None:
    said = {"email": ada.email, "password": PASSWORD}
    usual = anybody.post("/auth/login", said | {"remember_me": False})
    remembered = anybody.post("/auth/login", said | {"remember_me": True})
    clock.move(days=7)

    anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": usual["refresh_token"]})
    clock.move(days=22, hours=23)
    refresh(anybody, remembered["refresh_token"])


# --- signing out ----------------------------------------------------------------------------------------------------


def test_signing_out_ends_this_sign_in_at_once_and_no_other(anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    phone = anybody.signed_in(anybody.post("/auth/login", {"email": ada.email, "password": PASSWORD}))

    assert ada.call("POST", "/auth/logout").status_code == 200

    assert ada.refused(401, "GET", "/auth/me")["code"] == "session_over"
    anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]})
    phone.get("/auth/me")


def test_signing_out_works_with_a_token_that_has_run_out(clock: StandingClock, anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    clock.move(minutes=A_MINUTE_MORE_THAN_AN_ACCESS_TOKEN_LASTS)

    ada.post("/auth/logout", {})

    anybody.refused(401, "POST", "/auth/refresh", {"refresh_token": ada.tokens["refresh_token"]})


def test_signing_out_without_a_sign_in_is_fine(anybody: Caller) -> None:
    """The client clears what it stores first, so for those it remembers it comes without a token."""
    anybody.post("/auth/logout")
    for header in ("", "Bearer", "Bearer nonsense", "Basic YTpi"):
        anybody.post("/auth/logout", headers={"Authorization": header})


# --- tokens that are wrong ------------------------------------------------------------------------------------------


def signed(claims: dict[str, Any], *, purpose: str = "access tokens", algorithm: str = "HS256") -> str:
    return jwt.encode(claims, keys.derive(purpose), algorithm)


def segment(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def claims_of(caller: Caller) -> dict[str, Any]:
    assert caller.tokens
    claims: dict[str, Any] = jwt.decode(caller.tokens["access_token"], options={"verify_signature": False})
    return claims


def made_wrong(good: str, claims: dict[str, Any], clock: StandingClock) -> Iterator[tuple[str, str]]:
    """Everything that is nearly the good token, and what would like to be one."""
    head, body, signature = good.split(".")
    past, later = int((clock.now - timedelta(seconds=1)).timestamp()), int((clock.now + timedelta(days=1)).timestamp())
    yield "tampered claims", f"{head}.{segment(claims | {'sub': '1', 'exp': later})}.{signature}"
    yield "tampered signature", f"{head}.{body}.{signature[:-4]}AAAA"
    yield "no signature", f"{head}.{body}."
    yield "unsigned", f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims)}."
    yield "unsigned with a signature", f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims)}.{signature}"
    yield "another algorithm", signed(claims, algorithm="HS512")
    yield "a key of ours for something else", signed(claims, purpose="refresh tokens")
    yield "a stranger's key", jwt.encode(claims, "x" * 32, "HS256")
    yield "run out", signed(claims | {"exp": past})
    yield "running out now", signed(claims | {"exp": int(clock.now.timestamp())})
    for name in ("exp", "iat", "aud", "sub", "sid"):
        yield f"without {name}", signed({key: value for key, value in claims.items() if key != name})
    yield "for the stream", tokens.ticket(int(claims["sub"]), claims["sid"], now=clock.now)
    yield "another audience", signed(claims | {"aud": "stream tickets"})
    yield "of nobody", signed(claims | {"sub": "999999"})
    yield "of an unknown sign-in", signed(claims | {"sid": 999_999})
    for sub in ("0", "-1", str(2**63), "9" * 400, "ada", "", "1.0"):
        yield f"sub {sub[:20]}", signed(claims | {"sub": sub})
    for exp in (10**400, "soon", None, [], "1e400", -1):
        yield f"exp {str(exp)[:20]}", signed(claims | {"exp": exp})
    for sid in (0, -1, 2**63, None, "x", [], {}):
        yield f"sid {sid}", signed(claims | {"sid": sid})
    yield (
        "with an unknown condition",
        jwt.encode(claims, keys.derive("access tokens"), "HS256", {"crit": ["x"], "x": 1}),
    )
    yield "a list for claims", f"{head}.{segment([1])}.{signature}"
    yield "a deep head", f"{segment('[' * 2900)}.{body}.{signature}"
    yield "twenty kilobytes", "e" * 20_000
    yield "twenty kilobytes in parts", "e." * 10_000
    yield "with a tail", f"{good} x"
    yield "twice", f"{good}{good}"
    yield "dots", "..."
    yield "a word", "undefined"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_token_that_is_wrong_in_any_way_is_401(clock: StandingClock, anybody: Caller, ada: Caller) -> None:
    assert ada.tokens
    for how, token in made_wrong(ada.tokens["access_token"], claims_of(ada), clock):
        answer = anybody.call("GET", "/medicines", headers={"Authorization": f"Bearer {token}"})
        assert (how, answer.status_code) == (how, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert problem_of(answer, 401)["detail"] == "Please sign in again."
    ada.get("/medicines")


def test_somebody_elses_sign_in_is_not_ones_own(
    clock: StandingClock, ada: Caller, bob: Caller, anybody: Caller
) -> None:
    mixed = signed(claims_of(ada) | {"sid": claims_of(bob)["sid"]})

    assert anybody.signed_in({"access_token": mixed}).refused(401, "GET", "/auth/me")["code"] == "session_over"


def test_what_is_no_bearer_token_is_401(base_url: str, ada: Caller) -> None:
    assert ada.tokens
    token = ada.tokens["access_token"].encode()
    wrong = [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic " + token,
        b"Token " + token,
        token,
        b"Bearer" + token,
        b"Bearer \xff\xfe",
    ]
    for header in [*wrong, "Bearer ключ".encode(), b"Bearer,", b"=", b"Bearer\t" + token]:
        answer = ask(base_url, b"GET", b"/api/v1/medicines", {b"Authorization": header})
        assert (header, answer.status) == (header, 401)
        assert answer.headers[b"www-authenticate"] == b"Bearer"
    # a NUL is no part of any header: the server does not even read on, but it stays a refusal
    assert ask(base_url, b"GET", b"/api/v1/medicines", {b"Authorization": b"Bearer \x00"}).status in (400, 401)


def test_the_scheme_may_be_spelt_as_one_likes(ada: Caller) -> None:
    assert ada.tokens
    for scheme in ("Bearer", "bearer", "BEARER"):
        ada.get("/auth/me", headers={"Authorization": f"{scheme} {ada.tokens['access_token']}"})
