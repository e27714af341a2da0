"""A mail server of the demo's own, on the loopback: whatever is sent to it is kept and shown, and goes nowhere else.

It takes any user name and password: an operator's `.env` may hold some, and a relay that refuses them gets no mail.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from ops.demo.heard import Heard
from ops.ports import LOOPBACK, free_port

logging.getLogger("mail").addHandler(logging.NullHandler())  # aiosmtpd's remarks are not part of the play


@dataclass(frozen=True)
class Mail:
    to: tuple[str, ...]
    subject: str
    text: str


class _Catcher:
    """What the mail server calls when a message has come."""

    def __init__(self, mails: Heard[Mail]) -> None:
        self._mails = mails

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  its name for it
        self._mails.add(_read(envelope.content, tuple(envelope.rcpt_tos)))
        return "250 kept"


def _read(content: bytes, to: tuple[str, ...]) -> Mail:
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain", "html")) if isinstance(message, EmailMessage) else None
    text = body.get_content() if body else ""
    return Mail(to, str(message["subject"] or ""), " ".join(str(text).split()))


@contextmanager
def mailbox() -> Iterator[tuple[int, Heard[Mail]]]:
    """Its port, and what comes in while it is open."""
    mails: Heard[Mail] = Heard()
    port = free_port()
    controller = Controller(
        _Catcher(mails),
        hostname=LOOPBACK,
        port=port,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
    )
    controller.start()
    try:
        yield port, mails
    finally:
        controller.stop()
