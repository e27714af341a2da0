"""HTTP by hand: what a client library would not let through."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Heard:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


def ask(
    base_url: str, method: bytes, path: bytes, headers: Mapping[bytes, bytes] | None = None, body: bytes = b""
) -> Heard:
    """One request on a connection of its own; the bytes are sent as they are."""
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: x", b"Connection: close"]
    lines += [b"%b: %b" % each for each in (headers or {}).items()]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return send(base_url, b"\r\n".join(lines) + b"\r\n\r\n" + body)


def send(base_url: str, request: bytes) -> Heard:
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(request)
        return _parsed(b"".join(iter(lambda: connection.recv(65536), b"")))


def _parsed(answer: bytes) -> Heard:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in rest)}
    return Heard(int(first.split()[1]), headers, body)
