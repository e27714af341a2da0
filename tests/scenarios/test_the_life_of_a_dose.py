"""The story, from outside, on everything that is real: the stack as an operator starts it, HTTP, a stream, a mailbox.

Three people at once, one of them where tomorrow has begun and one where it is still yesterday. Then everything is
stopped and started again on the same data, and a worker and beat are killed shortly before an instant.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from tests.support.callers import Caller
from tests.support.listening import Listening, listening
from tests.support.mailbox import Mailbox, mailbox
from tests.support.stack import Stack, running

SOON_SECONDS = 10  # until a dose is due; the story says a minute, and a rule may say seconds
PATIENCE_SECONDS = 30.0
PEOPLE = {"ada": "Europe/Riga", "sina": "Pacific/Apia", "teva": "Pacific/Gambier"}


@pytest.fixture(scope="module")
def post() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pillio") / "var"


def _running(home: Path, post: Mailbox) -> Any:
    return running(
        home,
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(post.port),
        SMTP_TLS="false",
        EMAILS_FROM_EMAIL="pillio@example.com",
    )


def test_a_dose_from_its_rule_to_the_last_tablet(home: Path, post: Mailbox) -> None:
    with _running(home, post) as stack:
        _all_at_once(stack, post, PEOPLE)
        _look_at_the_machine(stack)
        assert stack.stop("INT") == 0

    with _running(home, post) as stack:  # a second start finds its data, and the story goes well again
        with stack.caller() as caller:
            ada = caller.sign_in("ada", time_zone=PEOPLE["ada"])
            assert ada.get("/medicines")["items"][0]["current_stock"] == 5
        with ThreadPoolExecutor(1) as pool:
            eve = pool.submit(_story, stack, post, "eve", "America/New_York")
            _a_worker_and_beat_are_killed_before_an_instant(stack)
            eve.result()


def _all_at_once(stack: Stack, post: Mailbox, people: dict[str, str]) -> None:
    with ThreadPoolExecutor(len(people)) as pool:
        stories = [pool.submit(_story, stack, post, name, zone) for name, zone in people.items()]
        for story in stories:
            story.result()


def _story(stack: Stack, post: Mailbox, name: str, time_zone: str) -> None:
    with stack.caller() as caller:
        person = caller.join(name, time_zone=time_zone)
        medicine = person.add_medicine(current_stock=6, min_stock_alert=5)
        with listening(person, url=stack.stream) as heard:
            dose = _told(person, medicine, heard, post)
            _taken(person, medicine, dose, heard)
            missed = _told_again(person, medicine, heard)
            _prescription_runs_out(person, heard)
            _missed(person, medicine, missed, heard)


def _told(person: Caller, medicine: int, heard: Listening, post: Mailbox) -> dict[str, Any]:
    """At its instant: in the bell, on the stream, and in the mailbox."""
    person.add_reminder(medicine, seconds=SOON_SECONDS)
    heard.wait_for(lambda each: each.of("notification"), PATIENCE_SECONDS)
    told = heard.of("notification")[0]
    (listed,) = person.get("/notifications")["items"]
    assert listed == told
    (dose,) = person.get("/doses")["items"]
    assert (dose["status"], dose["id"]) == ("due", told["dose_id"])
    mail = post.wait_for_one_to(person.email or "", PATIENCE_SECONDS)
    assert mail.message["X-Pillio-Dose"] == str(dose["id"])
    assert "Metformin" not in mail.text, "nobody has confirmed this address yet"
    print(f"{person.email}: in the bell {_late(told['created_at'], told['due_at']):.3f} s after the instant")
    return dict(dose)


def _taken(person: Caller, medicine: int, dose: dict[str, Any], heard: Listening) -> None:
    """Twenty times at once, and once more: one outcome, one entry, one low-stock notice."""
    with ThreadPoolExecutor(20) as pool:
        takes = [pool.submit(person.post, f"/reminders/{dose['reminder_id']}/take", {}) for _ in range(20)]
        answers = [take.result() for take in takes]
    answers.append(person.post(f"/doses/{dose['id']}/take"))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["status"] == "taken"
    assert answers[0]["taken_at"]
    assert answers[0]["recorded_at"]
    heard.wait_for(lambda each: each.of("dose") and each.of("stock") and len(each.of("notification")) == 2)
    assert [each["status"] for each in heard.of("dose")] == ["taken"]
    assert [(each["new_stock"], each["dose_id"]) for each in heard.of("stock")] == [(5, dose["id"])]
    assert heard.of("notification")[1]["type"] == "low_stock"
    assert person.get(f"/medicines/{medicine}")["current_stock"] == 5
    entries = person.get("/medicines/inventory-history", params={"change_type": "consumed"})["items"]
    assert [entry["dose_id"] for entry in entries] == [dose["id"]]


def _told_again(person: Caller, medicine: int, heard: Listening) -> int:
    """A second reminder, with a minute of grace, that nobody will answer; returns its number."""
    reminder = person.add_reminder(medicine, seconds=3, grace_minutes=1)
    heard.wait_for(lambda each: any(told["reminder_id"] == reminder for told in each.of("notification")))
    return reminder


def _prescription_runs_out(person: Caller, heard: Listening) -> None:
    today = person.local().date()
    line = {"medicine_name": "Metformin", "dosage": "500 mg", "frequency": "Twice daily", "duration_days": 7}
    said = {"doctor_name": "Dr. Liepa", "prescription_date": f"{today}", "valid_until": f"{today + timedelta(days=7)}"}
    prescription = person.post("/prescriptions", said | {"medicines": [line | {"instructions": ""}]})
    heard.wait_for(lambda each: any(told["kind"] == "prescription_expiry" for told in each.of("notification")))
    (told,) = person.get("/notifications", params={"type": "prescription_expiry"})["items"]
    assert told["reference_id"] == prescription["id"]
    assert told["message"].endswith("expires in 7 days")


def _missed(person: Caller, medicine: int, reminder: int, heard: Listening) -> None:
    """Said once, stock untouched."""
    heard.wait_for(lambda each: any(dose["status"] == "missed" for dose in each.of("dose")), 60 + PATIENCE_SECONDS)
    time.sleep(3)  # as long as a second telling would take
    told = [
        each for each in person.get("/notifications", params={"per_page": 100})["items"] if each["kind"] == "missed"
    ]
    assert [each["reminder_id"] for each in told] == [reminder]
    assert [each["kind"] for each in heard.of("notification")].count("missed") == 1
    (missed,) = person.get("/doses", params={"status": "missed"})["items"]
    assert missed["recorded_by"] is None
    assert person.get(f"/medicines/{medicine}")["current_stock"] == 5
    print(f"{person.email}: missed {_late(missed['recorded_at'], missed['closes_at']):.3f} s after its window")


def _look_at_the_machine(stack: Stack) -> None:
    """What ops people see."""
    assert httpx.get(f"{stack.api}/health").json() == {"status": "ok"}
    ready = httpx.get(f"{stack.api}/health/ready")
    assert (ready.status_code, set(ready.json()["checks"].values())) == (200, {"ok"})
    assert "pillio_tick_age_seconds" in httpx.get(f"{stack.api}/metrics").text
    workers = httpx.get(f"{stack.flower}/api/workers", timeout=20).json()
    assert {name.partition("@")[0] for name in workers} == {"engine", "sender"}
    tasks = httpx.get(f"{stack.flower}/api/tasks", params={"limit": 1000}, timeout=20).json().values()
    assert {"pillio.tick", "pillio.drain", "pillio.send"} <= {task["name"] for task in tasks}
    assert "Metformin" not in str(list(tasks))


def _a_worker_and_beat_are_killed_before_an_instant(stack: Stack) -> None:
    for victims in (("celery", "tick,drain"), ("celery", " beat")):
        with stack.caller() as caller:
            person = caller.join(f"victim-of-{victims[1].strip(' ,').replace(',', '-')}", time_zone="Asia/Tokyo")
            medicine = person.add_medicine()
            with listening(person, url=stack.stream) as heard:
                reminder = person.add_reminder(medicine, seconds=12)
                time.sleep(2)
                stack.kill(*victims)
                heard.wait_for(lambda each: each.of("notification"), PATIENCE_SECONDS)
                time.sleep(3)
            told = person.get("/notifications")["items"]
            assert [each["reminder_id"] for each in told] == [reminder]
            late = _late(told[0]["created_at"], told[0]["due_at"])
            print(f"{victims[1].strip()} killed ten seconds before: told {late:.3f} s after the instant")


def _late(at: str, planned: str) -> float:
    return (datetime.fromisoformat(at) - datetime.fromisoformat(planned)).total_seconds()
