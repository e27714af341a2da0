"""Writes the generated part of docs/dose-lifecycle.md from `engine.doses.states`, by trying every move there is:
`python -m tests.architecture.dose_lifecycle`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.doses.states import ANSWERED, Move, Status, answer, shown, undone
from engine.errors import Conflict
from tests.architecture.house import ROOT
from tests.architecture.pages import remarks, rewrite, row, table

PAGE = "dose-lifecycle.md"
GENERATOR = "tests.architecture.dose_lifecycle"

DUE_AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
CLOSES_AT = DUE_AT + timedelta(hours=4)
EARLY, OPEN, OVER = DUE_AT - timedelta(hours=1), DUE_AT, CLOSES_AT
START = "[*]"


@dataclass(frozen=True)
class Cause:
    """Why a move happens: a word on the arrow, a sentence, and where to read it."""

    label: str
    sentence: str
    module: str


CLAIM = "engine/dispatch/due.py"
PLANNED = "engine/doses/horizon.py"
ANSWER = "engine/dispatch/answers.py"
CLOSE = "engine/dispatch/lapse.py"
WITHDRAW = "engine/doses/withdrawal.py"

# What the engine does by itself or because a rule changed; the rest is found by trying.
OWN_MOVES = [
    (START, "scheduled"), (START, "due"), ("scheduled", "due"), ("scheduled", START), ("due", "missed"),
    ("due", "not_reminded"), ("due", "cancelled"), ("cancelled", "due"),
]  # fmt: skip
CAUSES = {
    (START, "scheduled"): Cause("planned", "The horizon reaches it, three days ahead at most.", PLANNED),
    (START, "due"): Cause(
        "planned late", "Its rule is saved while its window is open; such a dose is never counted missed.", PLANNED
    ),
    ("scheduled", "due"): Cause(
        "its instant", "By the clock, nothing is written to the dose. The claim tells of it.", CLAIM
    ),
    ("scheduled", START): Cause(
        "withdrawn", "Its rule gives it no more: edited, switched off or deleted before its instant.", PLANNED
    ),
    ("scheduled", "taken"): Cause("taken early", "Silences the reminder.", ANSWER),
    ("scheduled", "skipped"): Cause("skipped early", "Silences the reminder.", ANSWER),
    ("due", "taken"): Cause("taken", "The stock goes down in the same transaction.", ANSWER),
    ("due", "skipped"): Cause("skipped", "The person said no, and may say why.", ANSWER),
    ("due", "missed"): Cause("closed", "Its window ends, it was told in time, nobody said anything.", CLOSE),
    ("due", "not_reminded"): Cause(
        "closed, not told", "Its window ends, and we had not told it in time or could not reach the person.", CLOSE
    ),
    ("due", "cancelled"): Cause("rule withdrawn", "Its rule is switched off or deleted while it is open.", WITHDRAW),
    ("cancelled", "due"): Cause("switched on again", "Its rule is switched on again while its window holds.", WITHDRAW),
    ("missed", "taken"): Cause("taken late", "A correction: the old revision stays, superseded.", ANSWER),
    ("missed", "skipped"): Cause("skipped late", "A correction.", ANSWER),
    ("not_reminded", "taken"): Cause("taken late", "A correction.", ANSWER),
    ("not_reminded", "skipped"): Cause("skipped late", "A correction.", ANSWER),
    ("skipped", "taken"): Cause("taken after all", "A correction; the other way round, undo first.", ANSWER),
    ("taken", "scheduled"): Cause("undone", "Undone before its instant: it will be told.", ANSWER),
    ("taken", "due"): Cause("undone", "Undone while its window holds; the exact stock entry is reversed.", ANSWER),
    ("taken", "missed"): Cause("undone late", "Undone after its window; no second notice.", ANSWER),
    ("taken", "not_reminded"): Cause("undone late", "The same, of a dose that was not told in time.", ANSWER),
    ("skipped", "scheduled"): Cause("undone", "Undone before its instant: it will be told.", ANSWER),
    ("skipped", "due"): Cause("undone", "Undone while its window holds.", ANSWER),
    ("skipped", "missed"): Cause("undone late", "Undone after its window; no second notice.", ANSWER),
    ("skipped", "not_reminded"): Cause("undone late", "The same, of a dose that was not told in time.", ANSWER),
}


def written() -> str:
    """The generated part: the diagram, the causes, the refusals, the words."""
    moves = sorted({*OWN_MOVES, *_tried()}, key=list(CAUSES).index)
    return "\n".join([*_diagram(moves), "", *_causes(moves), "", *_refusals(), "", *_words()])


def _tried() -> set[tuple[str, str]]:
    """Every move by an answer or an undo, from every status, before, in and after the window."""
    found = set()
    for now in (EARLY, OPEN, OVER):
        for current in (None, *Status):
            before = shown(current, DUE_AT, now)
            if now == OVER and before == "due":
                continue  # closed within a second
            found |= {(before, said.value) for said in ANSWERED if _is_move(current, said)}
            for is_excused in (False, True):
                after = undone(current, CLOSES_AT, now, is_excused=is_excused)
                found |= {(before, shown(after, DUE_AT, now))} if after else set()
    return found


def _is_move(current: Status | None, said: Status) -> bool:
    try:
        return answer(current, said) is not Move.NOTHING
    except Conflict:
        return False


def _diagram(moves: list[tuple[str, str]]) -> Iterator[str]:
    yield from ("```mermaid", "stateDiagram-v2")
    yield from (f"  {before} --> {after}: {CAUSES[before, after].label}" for before, after in moves)
    yield "```"


def _causes(moves: list[tuple[str, str]]) -> Iterator[str]:
    yield from ("## What moves a dose", "", *table("From", "To", "Cause", "Where"))
    for before, after in moves:
        cause = CAUSES[before, after]
        yield row(_named(before), _named(after), f"*{cause.label}*: {cause.sentence}", f"`{cause.module}`")


def _named(word: str) -> str:
    return "no row" if word == START else f"`{word}`"


def _refusals() -> Iterator[str]:
    yield from ("## What is refused, and in which words", "", *table("A dose that is", "Said to be", "Code", "Words"))
    for current in Status:
        for said in sorted(ANSWERED):
            try:
                answer(current, said)
            except Conflict as conflict:
                yield row(f"`{current}`", f"`{said}`", f"`{conflict.code}`", conflict.detail)


def _words() -> Iterator[str]:
    """What is stored, and the word a client sees."""
    said = remarks(ROOT / "engine" / "doses" / "states.py")
    yield from ("## The words", "", *table("Stored", "Shown", "Meaning"))
    yield row("nothing", "`scheduled`, `due`", "a dose without an outcome is one or the other by the clock")
    for status in Status:
        words = dict.fromkeys(f"`{shown(status, DUE_AT, now)}`" for now in (EARLY, OPEN))
        yield row(f"`{status}`", ", ".join(words), said["Status", status.name])


if __name__ == "__main__":
    rewrite(PAGE, GENERATOR, written())
