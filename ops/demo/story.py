"""What is played: one person, one medicine, two doses and a prescription. Each function is a chapter.

A chapter does what a client of Pillio would do, waits for what should come of it, and says what came. What does not
come about is a `Refusal`. The instants promised are to the second; a slow machine is told of, not held against Pillio,
unless it is slower than anybody would wait.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops.demo.caller import Caller
from ops.demo.heard import Arrival, Heard
from ops.demo.listening import Event
from ops.demo.mailbox import Mail
from ops.demo.telling import Narrator, now
from ops.refusal import Refusal

ZONE = ZoneInfo("Europe/Riga")
BELL_IN = timedelta(seconds=12)
GRACE_MINUTES = 1
PROMISED_SECONDS = 2.0
PATIENCE_SECONDS = 30.0
TIMES = 20


@dataclass
class Scene:
    """Everybody on the stage, and what earlier chapters left for later ones."""

    narrator: Narrator
    caller: Caller
    events: Heard[Event]
    mails: Heard[Mail]
    medicine_id: int = 0
    reminder_id: int = 0
    due: datetime = field(default_factory=now)
    dose_id: int = 0
    mails_read: int = 0

    def heard(self, name: str, **facts: Any) -> Arrival[Event]:
        """The event of this name that says these facts, waited for if need be."""

        def fits(event: Event) -> bool:
            return event.name == name and facts.items() <= event.data.items()

        came = self.events.wait_for(lambda event: fits(event) or event.name == "gone", PATIENCE_SECONDS)
        if came is None or not fits(came.what):
            raise Refusal(f"The live stream did not tell of: {name}, {facts}.")
        return came

    def mail(self) -> Arrival[Mail]:
        """The next one, waited for if need be."""
        came = self.mails.wait_for(lambda _: True, PATIENCE_SECONDS, after=self.mails_read)
        if came is None:
            raise Refusal("A mail should have come, and did not.")
        self.mails_read += 1
        return came

    def stock(self) -> float:
        return float(self.caller.get(f"/medicines/{self.medicine_id}")["current_stock"])

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The notifications of this kind."""
        return [each for each in self.caller.items("/notifications") if each["kind"] == kind]

    def entries(self, dose_id: int) -> list[dict[str, Any]]:
        """The stock entries that name this dose."""
        found = self.caller.items("/medicines/inventory-history", medicine_id=self.medicine_id)
        return [each for each in found if each["dose_id"] == dose_id]


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Refusal(otherwise)


def shelf(scene: Scene) -> None:
    """2. A medicine and a reminder."""
    body = {"name": "Metformin", "dosage": "500 mg", "form": "tablet", "unit": "tablets"}
    medicine = scene.caller.post("/medicines", body | {"current_stock": 6, "min_stock_alert": 5})
    scene.medicine_id = medicine["id"]
    scene.narrator.tell("📦", "Metformin 500 mg goes on the shelf: 6 tablets, and a word when there are 5 or fewer")
    _remind(scene)


def _remind(scene: Scene, **more: Any) -> None:
    due = scene.due = (now(ZONE) + BELL_IN).replace(microsecond=0)
    body = {
        "medicine_id": scene.medicine_id,
        "reminder_time": f"{due:%H:%M:%S}",
        "frequency": "daily",
        "dosage_amount": "1",
        "dosage_unit": "tablet",
        "start_date": f"{due:%Y-%m-%d}",
    }
    reminder = scene.caller.post("/reminders", body | more)
    scene.reminder_id = reminder["id"]
    scene.narrator.tell("⏰", f"a reminder: {reminder['sentence']}")


def bell(scene: Scene) -> None:
    """3. The bell, the stream and the mail at the instant."""
    _ring(scene)
    scene.narrator.aside("Nobody has confirmed her address yet, so a mail says that something is due, never what.")
    listed = [each for each in scene.told("due") if each["dose_id"] == scene.dose_id]
    expect(len(listed) == 1, f"The dose should have one notification and has {len(listed)}.")


def _ring(scene: Scene) -> None:
    """Waits for the reminder's bell and for the mail that goes with it, and tells of both."""
    scene.narrator.count_down("the bell should ring", scene.due)
    came = scene.heard("notification", kind="due", reminder_id=scene.reminder_id)
    scene.dose_id = came.what.data["dose_id"]
    late = _lateness(came.at, scene.due)
    scene.narrator.tell("💊", f"the bell rings, in the app and on the live stream: {came.what.data['message']}{late}")
    mail = scene.mail()
    scene.narrator.tell("📬", f"the mail arrived: “{mail.what.subject}”{_lateness(mail.at, scene.due)}")


def _lateness(at: datetime, due: datetime) -> str:
    late = (at - due).total_seconds()
    slow = f", and not the {PROMISED_SECONDS:.0f} s promised: this machine is busy" if late > PROMISED_SECONDS else ""
    return f" ({max(late, 0):.1f} s after its instant{slow})"


def take(scene: Scene) -> None:
    """4. Taken; and taken again, which changes nothing."""
    answer = scene.caller.post(f"/reminders/{scene.reminder_id}/take")
    expect(answer["id"] == scene.dose_id and answer["status"] == "taken", "The dose that rang should be taken now.")
    expect(bool(answer["taken_at"] and answer["recorded_at"]), "A taken dose should keep when it was, and when said.")
    scene.narrator.tell("✅", "Ada takes it: kept with the moment she took it and the moment she said so")
    scene.heard("dose", dose_id=scene.dose_id, status="taken")
    scene.heard("stock", dose_id=scene.dose_id, change_amount=-1.0)
    _expect_five(scene)
    scene.narrator.tell("📦", "stock is 5, with one entry in the history that names the dose; the stream told it all")
    _told_once(scene, "low_stock", "low stock told once", medicine_id=scene.medicine_id)
    _take_again(scene)


def _take_again(scene: Scene) -> None:
    path, before = f"/reminders/{scene.reminder_id}/take", scene.caller.get(f"/doses/{scene.dose_id}")
    with ThreadPoolExecutor(TIMES) as pool:
        answers = list(pool.map(lambda _: scene.caller.post(path), range(TIMES)))
    expect({each["id"] for each in answers} == {scene.dose_id}, "The same tap again should mean the same dose.")
    expect(scene.caller.get(f"/doses/{scene.dose_id}") == before, "The same tap again changed what was recorded.")
    _expect_five(scene)
    expect(len(scene.told("low_stock")) == 1, "Low stock was told again.")
    scene.narrator.tell("✅", f"taken again {TIMES} times at once: nothing changed, stock is still 5")


def _expect_five(scene: Scene) -> None:
    entries = scene.entries(scene.dose_id)
    expect([each["change_amount"] for each in entries] == [-1], f"One entry of -1 expected, not {len(entries)}.")
    expect(scene.stock() == 5, f"The stock should be 5 and is {scene.stock():g}.")


def _told_once(scene: Scene, kind: str, as_what: str, at: datetime | None = None, **facts: Any) -> None:
    """One notification, heard on the stream, listed once, and one mail."""
    came = scene.heard("notification", kind=kind, **facts)
    late = _lateness(came.at, at) if at else ""
    scene.narrator.tell("🔔", f"{as_what}: {came.what.data['message']}{late}")
    scene.narrator.tell("📬", f"the mail arrived: “{scene.mail().what.subject}”")
    expect(len(scene.told(kind)) == 1, f"There should be one notification of this kind: {kind}.")


def miss(scene: Scene) -> None:
    """5. A dose nobody answers."""
    _remind(scene, grace_minutes=GRACE_MINUTES)
    _ring(scene)
    closes = datetime.fromisoformat(scene.caller.get(f"/doses/{scene.dose_id}")["closes_at"])
    scene.narrator.tell("🤫", "nobody answers. This reminder has a minute of grace; then the dose counts as missed")
    scene.narrator.count_down("the minute of grace ends", closes)
    _told_once(scene, "missed", "missed after its grace minute", closes, dose_id=scene.dose_id)
    scene.heard("dose", dose_id=scene.dose_id, status="missed")
    expect(scene.stock() == 5, "A missed dose should leave the stock alone.")
    scene.narrator.tell("📦", "stock is still 5")


def prescription(scene: Scene) -> None:
    """6. A prescription that ends in a week."""
    today = now(ZONE).date()
    line = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "once daily", "duration_days": 7}
    dates = {"prescription_date": f"{today}", "valid_until": f"{today + timedelta(days=7)}"}
    made = scene.caller.post("/prescriptions", {"doctor_name": "Dr. Ozols", "medicines": [line], **dates})
    scene.narrator.tell("📜", "Dr. Ozols prescribes Metformin today, valid for seven days")
    _told_once(scene, "prescription_expiry", "prescription expiry told, at once", reference_id=made["id"])
