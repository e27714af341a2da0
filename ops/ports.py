"""TCP ports: which are free, and a sentence for the one that is not.

Our own servers get a port below the kernel's ephemeral range (32768 on Linux): above it, a client that retries while
the server is down can be given the server's own port and connect to itself, and the server never comes back.
"""

import errno
import random
import socket
from contextlib import closing

from ops.refusal import Refusal

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 15_000, 31_000
_ATTEMPTS = 200


def _bind(host: str, port: int) -> None:
    """Raises OSError when nobody may listen there now."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with closing(socket.socket(family, kind)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def free_port(taken: set[int] | None = None) -> int:
    """A port of the loopback nobody listens on now. The caller starts its server at once and checks who answers."""
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311  a port number is not a secret
        if port in (taken or set()):
            continue
        try:
            _bind(LOOPBACK, port)
        except OSError:
            continue
        return port
    raise Refusal(f"There is no free TCP port between {_LOWEST} and {_HIGHEST} on {LOOPBACK}.")


def refuse_taken(variable: str, host: str, port: int) -> None:
    try:
        _bind(host, port)
    except socket.gaierror:
        raise Refusal(f"HOST is {host}, which is not an address of this machine.") from None
    except OSError as error:
        raise Refusal(_reason(variable, host, port, error.errno)) from None


def _reason(variable: str, host: str, port: int, code: int | None) -> str:
    if code == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program: stop it, or set {variable} to a free port."
    if code == errno.EACCES:
        return f"Port {port} needs more rights than this user has: set {variable} to a port above 1023."
    if code == errno.EADDRNOTAVAIL:
        return f"HOST is {host}, which is not an address of this machine."
    return f"Nothing can listen on {host}:{port} (error {code}): set {variable} to another port."
