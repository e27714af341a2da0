"""HTTP as a client of Pillio speaks it. An answer that is not a success is a `Refusal` with the words it came with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from ops.refusal import Refusal

PREFIX = "/api/v1"


class Caller:
    def __init__(self, client: httpx2.Client, base: str) -> None:
        self._client = client
        self.base = base

    def sign_in_with(self, token: str) -> None:
        self._client.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer's object."""
        answer: dict[str, Any] = self.ask("POST", f"{self.base}{PREFIX}{path}", json=body).json()
        return answer

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.ask("GET", f"{self.base}{PREFIX}{path}", params=query).json()
        return answer

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Of the first page, a hundred at most."""
        return list(self.get(path, per_page=100, **query)["items"])

    def ask(self, method: str, url: str, **more: Any) -> httpx2.Response:
        """Any address; the prefix is the caller's matter."""
        try:
            answer = self._client.request(method, url, **more)
        except httpx2.HTTPError as error:
            raise Refusal(f"{method} {url} got no answer ({type(error).__name__}).") from None
        if not answer.is_success:
            raise Refusal(f"{method} {url} answered {answer.status_code}: {_detail(answer)}")
        return answer


def _detail(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


@contextmanager
def calling(base: str) -> Iterator[Caller]:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        yield Caller(client, base)
