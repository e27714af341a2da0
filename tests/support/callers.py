"""People who call the API over HTTP, as a client of ours would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2 as httpx

PASSWORD = "lighthouse keeper's kettle"


@dataclass(frozen=True)
class Caller:
    """Somebody with an HTTP client; `tokens` once signed in."""

    http: httpx.Client
    tokens: dict[str, Any] | None = None
    email: str | None = None
    time_zone: str = "UTC"

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        """Under /api/v1, with this person's token."""
        signed = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        return self.http.request(method, f"/api/v1{path}", headers=signed | (headers or {}), **more)

    def get(self, path: str, **more: Any) -> Any:
        return _ok(self.call("GET", path, **more))

    def post(self, path: str, said: Any = None, **more: Any) -> Any:
        return _ok(self.call("POST", path, **({"json": said} if said is not None else {}), **more))

    def put(self, path: str, said: Any = None, **more: Any) -> Any:
        return _ok(self.call("PUT", path, **({"json": said} if said is not None else {}), **more))

    def patch(self, path: str, said: Any, **more: Any) -> Any:
        return _ok(self.call("PATCH", path, json=said, **more))

    def delete(self, path: str) -> Any:
        return _ok(self.call("DELETE", path))

    def refused(self, status: int, method: str, path: str, said: Any = None, **more: Any) -> dict[str, Any]:
        """The problem this is answered with: RFC 9457, and a sentence to show to a person."""
        answer = self.call(method, path, **({"json": said} if said is not None else {}), **more)
        return problem_of(answer, status)

    def signed_in(self, tokens: dict[str, Any]) -> "Caller":
        return replace(self, tokens=tokens)

    def afresh(self) -> "Caller":
        """With tokens that last from now on: a clock that was moved has left the old ones behind."""
        assert self.tokens
        return self.signed_in(self.post("/auth/refresh", {"refresh_token": self.tokens["refresh_token"]}))

    def join(self, name: str, *, time_zone: str | None = None) -> "Caller":
        """A new account, signed in."""
        email = f"{name}@example.com"
        said = {"email": email, "password": PASSWORD, "first_name": name.capitalize()}
        tokens = self.post("/auth/register", said | ({"time_zone": time_zone} if time_zone else {}))
        return replace(self, tokens=tokens, email=email, time_zone=time_zone or "UTC")

    def sign_in(self, name: str, *, time_zone: str = "UTC") -> "Caller":
        """Somebody who has an account already."""
        email = f"{name}@example.com"
        tokens = self.post("/auth/login", {"email": email, "password": PASSWORD, "remember_me": True})
        return replace(self, tokens=tokens, email=email, time_zone=time_zone)

    def local(self, *, seconds: float = 0) -> datetime:
        """The clock on this person's wall, so many seconds from now."""
        return datetime.now(ZoneInfo(self.time_zone)) + timedelta(seconds=seconds)

    def add_medicine(self, name: str = "Metformin", **fields: Any) -> int:
        said = {"name": name, "dosage": "500 mg", "form": "tablet", "unit": "tablets"}
        return int(self.post("/medicines", said | {"current_stock": 6, "min_stock_alert": 5} | fields)["id"])

    def add_reminder(self, medicine_id: int, *, seconds: float = 0, **fields: Any) -> int:
        """Daily, one tablet, first due so many seconds from now."""
        first = self.local(seconds=seconds)
        said = {
            "medicine_id": medicine_id,
            "reminder_time": f"{first:%H:%M:%S}",
            "frequency": "daily",
            "dosage_amount": "1",
            "dosage_unit": "tablet",
            "start_date": f"{first:%Y-%m-%d}",
        }
        return int(self.post("/reminders", said | fields)["id"])

    def remind(self, medicine_id: int, at: str, **fields: Any) -> int:
        """Daily at this time on their clock, one tablet, from their today on."""
        said = {"medicine_id": medicine_id, "reminder_time": at, "frequency": "daily", "dosage_amount": "1"}
        return int(self.post("/reminders", said | fields)["id"])


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert isinstance(problem["detail"], str)
    assert problem["detail"][0].isupper()
    assert problem["detail"][-1] == "."
    assert problem["code"].isidentifier()
    return problem


@contextmanager
def stranger(base_url: str) -> Iterator[Caller]:
    # plain HTTP to ourselves: reading the certificates of the world would cost more than most tests
    with httpx.Client(base_url=base_url, timeout=30, verify=False) as client:
        yield Caller(client)


def _ok(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None
