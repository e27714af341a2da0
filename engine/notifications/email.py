"""Send one e-mail through Apprise to our own relay. The only module here that opens a socket.

The recipient's refusal and our failure are told apart by the relay's answer: the first ends the message, the second is
tried again and, if it lasts through a dose's whole window, means that the person was not reminded. A relay that takes a
message and never says what became of it leaves us unsure: such a message is repeated once at most.
"""

import logging
import re
from typing import Any

from apprise import Apprise, AppriseAsset, NotifyFormat
from apprise.plugins.email.base import NotifyEmail
from email_validator import EmailNotValidError, validate_email

from engine.notifications.addresses import unseal
from engine.notifications.delivery import UNSURE, Message, Result
from engine.settings import Settings

_MODES = {"none": "insecure", "starttls": "starttls", "tls": "ssl"}
_ANSWER = re.compile(
    r"Socket Exception: (?P<recipient>\{(?:'[^']*'|\"[^\"]*\"): )?\((?P<code>\d{3}), b['\"](?P<said>[^\n]*)"
)
_SPOKEN_WITH = 'Sending email to "'  # Apprise's words for a failure after the connection was made
_NO_SUCH_PLACE = {"550", "551", "552", "553"}
_OURS = re.compile(r"5\.7\.|relay", re.IGNORECASE)  # "relaying denied" is about us, whatever its code
# No deadline of Apprise's own: it would leave the connection at work in a thread and call it failed.
_ASSET = AppriseAsset(app_id="Pillio", app_desc="Medication reminders", http_redirects=False, service_timeout=0)

# Apprise logs addresses; ours must not. Its entries still reach the result of each call.
logging.getLogger("apprise").setLevel(logging.DEBUG)
logging.getLogger("apprise").propagate = False
logging.getLogger("apprise").addHandler(logging.NullHandler())


def send(message: Message, settings: Settings) -> Result:
    """One try; no step of it waits longer than the settings say. Never raises for what a relay or an address does."""
    if not settings.has_email:
        return Result(message.leased, "failed", "email_not_configured")
    try:
        to = _in_ascii(unseal(message.address)["to"])
        if to is None:
            return Result(message.leased, "refused", "address_not_ascii")
        sender = Apprise(asset=_ASSET)
        sender.add(_plugin(message, to, settings))
        said = message.words
        outcome = sender.notify(
            title=said.title, body=said.message, body_format=NotifyFormat.TEXT, log_level=logging.DEBUG
        )
    except Exception as error:  # noqa: BLE001 - whatever a plugin does, the step must be settled
        return Result(message.leased, "failed", type(error).__name__)
    return Result(message.leased, "sent") if outcome else _failure(message, _log_of(outcome))


def _in_ascii(address: str) -> str | None:
    """As SMTP wants it: the domain in its ASCII form. None if the name before the @ has none."""
    try:
        return validate_email(address, check_deliverability=False, globally_deliverable=False).ascii_email
    except EmailNotValidError:
        return None


def _plugin(message: Message, to: str, settings: Settings) -> NotifyEmail:
    """Apprise takes its arguments for pieces of a URL: it would decode a % in a password and read o'brien@example.org
    as brien@example.org. So whatever must be exact is set on the finished plugin."""
    plugin = NotifyEmail(  # type: ignore[no-untyped-call]
        host=settings.smtp_host,
        port=settings.smtp_port,
        smtp_host=settings.smtp_host,
        from_addr="pillio@localhost",
        secure_mode=_mode(settings),
        headers=_headers(message),
        asset=_ASSET,
    )
    plugin.user = settings.smtp_user
    plugin.password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    plugin.from_addr = list(settings.sender)
    plugin.targets = [(False, to)]
    plugin.socket_connect_timeout = settings.smtp_timeout_seconds
    return plugin


def _mode(settings: Settings) -> str:
    """`auto` never sends a password in the clear."""
    if settings.smtp_tls != "auto":
        return _MODES[settings.smtp_tls]
    if settings.smtp_port == 465:
        return "ssl"
    return "starttls" if settings.smtp_user else "insecure"


def _headers(message: Message) -> dict[str, str]:
    """Ids by which a receiver can collapse a message that came twice."""
    headers = {"X-Pillio-Notification": f"{message.leased.notification_id}.{message.leased.step}"}
    if message.dose_id is not None:
        headers["X-Pillio-Dose"] = str(message.dose_id)
    return headers


def _failure(message: Message, entries: str) -> Result:
    """Whose it was. In doubt it is ours: then nobody is said to have missed what they were not told."""
    answer = _ANSWER.search(entries)
    if answer is None:
        return Result(message.leased, "failed", UNSURE if _SPOKEN_WITH in entries else "smtp")
    is_theirs = answer["recipient"] and answer["code"] in _NO_SUCH_PLACE and not _OURS.search(answer["said"])
    return Result(message.leased, "refused" if is_theirs else "failed", f"smtp_{answer['code']}")


def _log_of(outcome: Any) -> str:
    return "\n".join(entry.message for result in outcome.results for attempt in result for entry in attempt.logs)
