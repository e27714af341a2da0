"""One e-mail through Apprise to a real relay, and what is made of everything a relay can answer."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from engine.notifications import delivery, email
from engine.notifications.addresses import seal
from engine.notifications.delivery import Leased, Message, Result
from engine.notifications.wording import Words
from engine.settings import Settings
from ops.ports import free_port
from tests.support.mailbox import HOST, Letter, Mailbox, certificate, mailbox, silence
from tests.support.messages import SENDER, make_channel, relay
from tests.support.reminders import dose_on, make_world
from tests.support.sweeps import sweep

NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 08:00 in Riga
LEASED = Leased(41, 5, 2, 7, date(2026, 3, 3), 0, 1, NOW + timedelta(days=1))
TITLE, TEXT = "💊 Time to take your medicine", "Metformin <retard> & Söhne - 1 tablet (08:00)"

pytestmark = pytest.mark.usefixtures("environment")


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise reads this machine's for every letter, encrypted or not, which takes longer than the letter."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


def message(to: str = "ada@example.com", *, address: bytes | None = None, dose_id: int | None = 77) -> Message:
    return Message(LEASED, "email", address or seal({"to": to}), Words(TITLE, TEXT), dose_id, True, None)


def sent(box: Mailbox, given: Message | None = None, **settings: Any) -> Letter:
    """It was sent, and this is what came."""
    assert email.send(given or message(), relay(box.port, **settings)) == Result(LEASED, "sent")
    return box.letters[-1]


def outcome(result: Result) -> tuple[str, str | None]:
    return result.outcome, result.code


# --- what arrives ---------------------------------------------------------------------------------------------------


def test_a_letter_says_plainly_what_was_meant_and_who_writes() -> None:
    with mailbox() as box:
        letter = sent(box)
    assert (letter.subject, letter.text) == (TITLE, TEXT)
    assert letter.message.get_content_type() == "text/plain"
    assert letter.message["From"] == f"Pillio <{SENDER}>"
    assert letter.message["To"] == "ada@example.com"
    assert (letter.sender, letter.recipients) == (SENDER, ("ada@example.com",))
    assert letter.message["Message-ID"].count("@") == 1
    assert abs(parsedate_to_datetime(letter.message["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    for name in ("From", "To", "Date", "Message-ID", "Subject", "X-Pillio-Dose", "X-Pillio-Notification"):
        assert len(letter.message.get_all(name)) == 1


def test_a_letter_carries_ids_by_which_a_repeat_can_be_told() -> None:
    with mailbox() as box:
        letter = sent(box)
        assert (letter.message["X-Pillio-Dose"], letter.message["X-Pillio-Notification"]) == ("77", "41.2")
        assert sent(box, message(dose_id=None)).message["X-Pillio-Dose"] is None


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        ("pillio@nas", "Pillio <pillio@nas>"),
        ("Reminders at home <pillio@example.org>", "Reminders at home <pillio@example.org>"),
    ],
)
def test_the_operator_says_who_writes(sender: str, shown: str) -> None:
    with mailbox() as box:
        assert sent(box, emails_from_email=sender).message["From"] == shown


@pytest.mark.parametrize(
    ("address", "arrives_at"),
    [
        ("o'brien@example.com", "o'brien@example.com"),
        ("ada+pills@example.com", "ada+pills@example.com"),
        ("a/b@example.com", "a/b@example.com"),
        ("Ada@Example.com", "Ada@example.com"),
        ("ada@münchen.example", "ada@xn--mnchen-3ya.example"),
    ],
)
def test_a_letter_reaches_exactly_the_address_that_was_given(address: str, arrives_at: str) -> None:
    with mailbox() as box:
        assert sent(box, message(address)).recipients == (arrives_at,)


def test_an_address_smtp_cannot_spell_is_given_up_at_once() -> None:
    with mailbox() as box:
        assert outcome(email.send(message("jürgen@example.com"), relay(box.port))) == ("refused", "address_not_ascii")
        assert box.attempts == 0


@pytest.mark.parametrize(
    ("is_confirmed", "subject", "text"),
    [
        (True, "💊 Time to take your medicine", "Metformin - 1 tablet (08:00)"),
        (False, "Reminder 08:00", "This is your reminder for 08:00."),
    ],
)
def test_a_due_dose_reaches_a_confirmed_address_in_full_and_another_without_a_word_about_health(
    session: Session, is_confirmed: bool, subject: str, text: str
) -> None:
    world = make_world(session, at="08:00", now=NOW - timedelta(hours=1))
    make_channel(session, world.who, is_confirmed=is_confirmed, now=NOW)
    sweep(session, now=NOW)
    [leased] = delivery.lease(session, now=NOW)

    with mailbox() as box:
        assert email.send(leased, relay(box.port)).outcome == "sent"

    [letter] = box.letters
    assert (letter.subject, letter.text) == (subject, text)
    assert letter.message["X-Pillio-Dose"] == str(dose_on(session, world.reminder_id, NOW.date())["id"])
    assert ("Metformin" in letter.message.as_string()) == is_confirmed


# --- what a relay can do --------------------------------------------------------------------------------------------


def test_an_address_the_relay_does_not_know_is_refused() -> None:
    with mailbox() as box:
        box.refused.add("ada@example.com")
        assert outcome(email.send(message(), relay(box.port))) == ("refused", "smtp_550")
        assert sent(box, message("bob@example.com")).recipients == ("bob@example.com",)


@pytest.mark.parametrize(
    ("answer", "became"),
    [
        ("550 No such user", ("refused", "smtp_550")),
        ("553 5.1.3 Bad address", ("refused", "smtp_553")),
        ("552 5.2.2 Mailbox full", ("refused", "smtp_552")),
        ("450 4.2.1 Try again", ("failed", "smtp_450")),
        ("450 4.7.1 We say (550, b'later')", ("failed", "smtp_450")),
        ("554 5.7.1 Relay access denied", ("failed", "smtp_554")),
        ("550 5.7.1 Relaying denied", ("failed", "smtp_550")),
        ("550 relay not permitted", ("failed", "smtp_550")),
        ("530 5.7.0 Authentication required", ("failed", "smtp_530")),
    ],
)
def test_a_refusal_is_the_recipients_only_if_it_is_about_the_recipient(answer: str, became: tuple[str, str]) -> None:
    with mailbox() as box:
        box.answer_to_recipient = answer
        assert outcome(email.send(message(), relay(box.port))) == became
        assert outcome(email.send(message("o'brien@example.com"), relay(box.port))) == became


@pytest.mark.parametrize("answer", ["451 4.3.0 Try again later", "554 5.6.0 We do not like this", "552 Too big"])
def test_a_message_that_is_not_taken_is_our_failure(answer: str) -> None:
    with mailbox() as box:
        box.answer = answer
        assert outcome(email.send(message(), relay(box.port))) == ("failed", f"smtp_{answer[:3]}")


def test_a_connection_dropped_after_the_message_leaves_us_unsure() -> None:
    with mailbox() as box:
        box.drops = True
        assert outcome(email.send(message(), relay(box.port))) == ("failed", "smtp_unsure")
        assert box.attempts == 1


def test_no_server_is_our_failure() -> None:
    assert outcome(email.send(message(), relay(free_port()))) == ("failed", "smtp")
    assert outcome(email.send(message(), relay(25, smtp_host="relay.invalid"))) == ("failed", "smtp")


def test_no_relay_at_all_is_our_failure() -> None:
    settings = Settings(_env_file=None)
    assert not settings.has_email
    assert outcome(email.send(message(), settings)) == ("failed", "email_not_configured")


def test_an_address_that_cannot_be_opened_is_our_failure() -> None:
    with mailbox() as box:
        assert outcome(email.send(message(address=b"sealed under another key"), relay(box.port))) == (
            "failed",
            "InvalidToken",
        )


@pytest.mark.parametrize(("where", "code"), [("greeting", "smtp"), ("data", "smtp_unsure")])
def test_a_relay_that_hangs_is_waited_for_no_longer_than_the_settings_say(where: str, code: str) -> None:
    with silence() as mute, mailbox() as box, ThreadPoolExecutor(1) as pool:
        box.hangs.add("ada@example.com")
        port = mute if where == "greeting" else box.port
        trying = pool.submit(email.send, message(), relay(port, smtp_timeout_seconds=1))
        assert outcome(trying.result(timeout=10)) == ("failed", code)  # Apprise by itself would wait for 15


def test_a_lease_outlasts_the_longest_wait_that_can_be_set() -> None:
    with pytest.raises(ValueError, match="smtp_timeout_seconds"):
        relay(25, smtp_timeout_seconds=int(delivery.LEASE.total_seconds()))
    assert relay(25, smtp_timeout_seconds=30).smtp_timeout_seconds < delivery.LEASE.total_seconds()


# --- encryption and signing in --------------------------------------------------------------------------------------


@pytest.fixture
def trusted(_no_certificates: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The certificate of a relay that this process trusts."""
    context, chain = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    return context


@pytest.mark.parametrize("spelling", ["starttls", "STARTTLS", "true", "True", "1"])
def test_starttls_in_every_spelling(trusted: Any, spelling: str) -> None:
    with mailbox(starttls=trusted) as box:
        assert sent(box, smtp_tls=spelling).is_encrypted


@pytest.mark.parametrize("spelling", ["tls", "TLS", "ssl"])
def test_tls_from_the_first_byte_in_every_spelling(trusted: Any, spelling: str) -> None:
    with mailbox(tls=trusted) as box:
        assert sent(box, smtp_tls=spelling).is_encrypted


@pytest.mark.parametrize("spelling", ["none", "false", "False", "0"])
def test_no_encryption_in_every_spelling(trusted: Any, spelling: str) -> None:
    with mailbox(starttls=trusted) as box:
        assert not sent(box, smtp_tls=spelling).is_encrypted


def test_auto_without_a_user_does_not_encrypt_and_with_one_does(trusted: Any) -> None:
    with mailbox(starttls=trusted, login=("pillio", "secret")) as box:
        letter = sent(box, smtp_tls="auto", smtp_user="pillio", smtp_password="secret")
        assert (letter.is_encrypted, letter.login) == (True, "pillio")
    with mailbox(starttls=trusted) as box:
        assert not sent(box, smtp_tls="auto").is_encrypted


def test_auto_sends_no_password_in_the_clear() -> None:
    with mailbox(login=("pillio", "secret")) as box:
        result = email.send(message(), relay(box.port, smtp_tls="auto", smtp_user="pillio", smtp_password="secret"))
        assert outcome(result) == ("failed", "smtp")
        assert (box.letters, box.logins) == ([], [])


def test_a_password_is_sent_exactly_as_it_was_set() -> None:
    with mailbox(login=("pillio@example.com", "100%41 sure: &/=?+")) as box:
        letter = sent(box, smtp_user="pillio@example.com", smtp_password="100%41 sure: &/=?+")
        assert letter.login == "pillio@example.com"


def test_a_wrong_password_is_our_failure() -> None:
    with mailbox(login=("pillio", "right")) as box:
        result = email.send(message(), relay(box.port, smtp_user="pillio", smtp_password="wrong"))
        assert outcome(result) == ("failed", "smtp_535")


def test_a_relay_that_cannot_prove_who_it_is_is_told_nothing(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)  # made by itself, and trusted by nobody
    with mailbox(starttls=context) as box:
        assert outcome(email.send(message(), relay(box.port, smtp_tls="starttls"))) == ("failed", "smtp")
        assert box.letters == []


# --- silence about it -----------------------------------------------------------------------------------------------


def test_nothing_of_the_address_or_the_message_is_in_any_log(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[logging.LogRecord] = []
    handler = logging.Handler(logging.NOTSET)
    handler.emit = heard.append  # type: ignore[method-assign]
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, handler, logging.StreamHandler()])
    monkeypatch.setattr(root, "level", logging.NOTSET)
    with mailbox() as box:
        box.refused.add("gone@example.com")
        for to in ("ada@example.com", "gone@example.com", "jürgen@example.com"):
            email.send(message(to), relay(box.port))
        box.answer = "451 Not now, ada@example.com"
        email.send(message(), relay(box.port))
    email.send(message(), relay(free_port()))

    ours = [each for each in heard if not each.name.startswith("mail.log")]  # aiosmtpd's: the other end of the line
    said = "\n".join([each.getMessage() for each in ours if each.name != "asyncio"])
    written = "".join(line for line in capfd.readouterr().err.splitlines() if HOST not in line)
    for secret in ("ada@", "gone@", "rgen@", "Metformin", SENDER):
        assert secret not in said
        assert secret not in written
