"""The play from curtain to curtain. Ctrl-C, SIGTERM and a hang-up end it early; in every case the stage is cleared."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ops.demo import backstage, story
from ops.demo.caller import PREFIX, Caller, calling
from ops.demo.heard import Heard
from ops.demo.listening import listening
from ops.demo.mailbox import Mail, mailbox
from ops.demo.stage import Stage, staged
from ops.demo.telling import Narrator
from ops.refusal import Refusal

EMAIL, PASSWORD = "ada@example.org", "the lighthouse keeper's kettle"
MAILS = 5  # two bells, one low stock, one missed dose, one prescription
CHAPTERS = (
    ("A medicine, and a reminder", story.shelf),
    ("The bell", story.bell),
    ("Taken", story.take),
    ("Nobody answers", story.miss),
    ("A prescription runs out", story.prescription),
)


def play() -> None:
    narrator = Narrator(story.ZONE)
    narrator.plain("Pillio plays a dose's life with a made-up person. It takes about two minutes; Ctrl-C ends it.")
    narrator.plain("It has a stack and a mail server of its own: nothing of yours is touched, nothing stays behind.")
    narrator.plain("The clock is Ada's, in Riga.\n")
    with (
        _stoppable(),
        mailbox() as (smtp_port, mails),
        staged(smtp_port, narrator) as stage,
        calling(stage.api) as caller,
    ):
        _play_on(stage, caller, mails, narrator)
    narrator.plain("That was a dose's life. `make up` starts a Pillio that stays.")


def _play_on(stage: Stage, caller: Caller, mails: Heard[Mail], narrator: Narrator) -> None:
    narrator.chapter(1, "Ada arrives")
    token = _arrive(caller, narrator)
    with listening(f"{stage.stream}{PREFIX}/notifications/stream", token) as events:
        scene = story.Scene(narrator, caller, events, mails)
        scene.heard("hello")
        narrator.tell("📡", "her phone opens the live stream")
        for number, (title, chapter) in enumerate(CHAPTERS, 2):
            narrator.chapter(number, title)
            chapter(scene)
    narrator.chapter(7, "Behind the scenes")
    backstage.look(stage, caller, narrator)
    story.expect(len(mails.all()) == MAILS, f"{MAILS} mails should have come, and {len(mails.all())} did.")
    narrator.tell("📬", f"{MAILS} mails in all, none of them twice")


def _arrive(caller: Caller, narrator: Narrator) -> str:
    person = {"first_name": "Ada", "last_name": "Kalniņa", "time_zone": story.ZONE.key}
    caller.post("/auth/register", {"email": EMAIL, "password": PASSWORD, **person})
    narrator.tell("👋", f"Ada registers; her mail goes to {EMAIL}")
    token = str(caller.post("/auth/login", {"email": EMAIL, "password": PASSWORD})["access_token"])
    caller.sign_in_with(token)
    narrator.tell("🔑", "and logs in")
    return token


@contextmanager
def _stoppable() -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except Refusal as refusal:
        raise Refusal(f"The demo ended early. {refusal}") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
