"""A real SMTP relay for the tests: it keeps what it is given, and misbehaves in every way a relay can.

`with mailbox() as box:` listens on a free port of 127.0.0.1. How it behaves may be changed while it runs.
"""

import asyncio
import email
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Letter:
    """One accepted message, and how it came."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    is_encrypted: bool
    login: str | None

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """What a person reads."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).strip()


@dataclass
class Mailbox:
    """`refused`: addresses it answers 550 to; `answer_to_recipient`: what it says to each address instead.

    `answer`: what it says to every message instead of keeping it.

    `drops`: it takes the message and goes away without an answer. `hangs`: addresses for which it takes the message
    and says nothing, as long as they are in there. `takes_seconds`: it thinks so long about each message, and
    `step_takes_seconds` about each step before it.

    `keeps_and_drops`: it keeps the message and goes away without an answer. `accepted` is called when a message is kept
    and nobody has been told so yet.
    """

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    attempts: int = 0
    at_once_max: int = 0
    refused: set[str] = field(default_factory=set)
    logins: list[str] = field(default_factory=list)
    answer_to_recipient: str | None = None
    answer: str | None = None
    drops: bool = False
    hangs: set[str] = field(default_factory=set)
    takes_seconds: float = 0.0
    step_takes_seconds: float = 0.0
    keeps_and_drops: bool = False
    accepted: Callable[[Letter], None] | None = None
    _at_once: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, letters: int, seconds: float = PATIENCE_SECONDS) -> list[Letter]:
        """As soon as so many have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.letters) >= letters, seconds), f"only {self.letters}"
        return list(self.letters)

    def wait_for_one_to(self, address: str, seconds: float = PATIENCE_SECONDS) -> Letter:
        """The first that came for this address."""
        mine: list[Letter] = []

        def has_come() -> bool:
            mine[:] = [letter for letter in self.letters if address in letter.recipients]
            return bool(mine)

        with self._changed:
            assert self._changed.wait_for(has_come, seconds), f"nothing came for {address}"
        return mine[0]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.step_takes_seconds)
        if self.answer_to_recipient:
            return self.answer_to_recipient
        if address in self.refused:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self.step_takes_seconds)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.attempts += 1
        self._at_once += 1
        self.at_once_max = max(self.at_once_max, self._at_once)
        try:
            await asyncio.sleep(self.takes_seconds)
            while self.hangs & set(envelope.rcpt_tos):  # noqa: ASYNC110 - a test lets go from another thread
                await asyncio.sleep(0.02)
        finally:
            self._at_once -= 1
        if self.drops:
            server.transport.abort()
        if self.drops or self.answer:
            return self.answer or "250 OK"
        letter = self._keep(session, envelope, is_encrypted=server.transport.get_extra_info("ssl_object") is not None)
        if self.accepted:
            self.accepted(letter)
        if self.keeps_and_drops:
            server.transport.abort()
        return "250 OK"

    def _keep(self, session: Any, envelope: Any, *, is_encrypted: bool) -> Letter:
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        login = getattr(session.auth_data, "login", None)
        letter = Letter(
            sender=envelope.mail_from,
            recipients=tuple(envelope.rcpt_tos),
            message=message,
            is_encrypted=is_encrypted,
            login=login.decode() if login else None,
        )
        with self._changed:
            self.letters.append(letter)
            self._changed.notify_all()
        return letter


@contextmanager
def mailbox(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[Mailbox]:
    """`starttls` offers it, `tls` speaks nothing else; `login`: name and password it insists on."""
    box, loop = Mailbox(), asyncio.new_event_loop()

    def authenticate(server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        box.logins.append(given[0])
        return AuthResult(success=given == login, handled=False, auth_data=data)

    def serve() -> SMTP:
        asks = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False} if login else {}
        with warnings.catch_warnings(action="ignore"):  # that a password may come in the clear
            return SMTP(box, tls_context=starttls, enable_SMTPUTF8=True, loop=loop, **asks)

    server = loop.run_until_complete(loop.create_server(serve, HOST, 0, ssl=tls))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="mailbox")
    thread.start()
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    """Nobody who is still connected is waited for."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def silence() -> Iterator[int]:
    """The port of a server that accepts connections and never says a word."""
    import socket

    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file that makes a client trust it (SSL_CERT_FILE)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a relay for tests")])
    made = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(made - timedelta(hours=1))
        .not_valid_after(made + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "relay.pem", folder / "relay.key"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, secret)
    return context, chain
