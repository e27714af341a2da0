"""Beat killed, and several of them at once: a second is served once, by whoever is there."""

from datetime import UTC, datetime, timedelta

from tests.support.acknowledged import assert_letters
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
_BY_BEAT = "SELECT count(*) FROM pulses WHERE source = 'beat' AND slot_at > :since"


def beats(stage: Stage, since: datetime) -> int:
    return stage.count(_BY_BEAT, since=since)


def test_beat_killed_before_an_instant_is_stood_in_for_until_it_is_back(on_stage: Stage) -> None:
    on_stage.start("worker", *EVERYTHING)
    on_stage.start("beat")
    until(lambda: beats(on_stage, datetime.now(UTC) - timedelta(seconds=2)), or_else="beat was never heard")
    at_eight = morning(on_stage, addresses=20, seconds=3)
    on_stage.kill("beat")
    at_eight.wait_told()
    at_eight.wait_sent()
    print(f"beat killed three seconds before an instant: the last was told {at_eight.lateness():.1f} s late")
    back = datetime.now(UTC)
    on_stage.start("beat")
    until(lambda: beats(on_stage, back) >= 2, or_else="beat is back and was not heard")
    assert_letters(on_stage.engine, on_stage.post.letters)


def test_three_beats_tick_each_second_once_and_tell_everybody_once(on_stage: Stage) -> None:
    on_stage.start("worker", *EVERYTHING)
    for name in ("beat", "another beat", "a third"):
        schedule = on_stage.folder / f"{name}'s schedule"
        on_stage.start("beat", "-s", str(schedule), name=name)
    until(lambda: beats(on_stage, datetime.now(UTC) - timedelta(seconds=2)), or_else="no beat was heard")
    at_eight = morning(on_stage, addresses=40, seconds=2)
    at_eight.wait_told()
    at_eight.wait_sent()
    assert_letters(on_stage.engine, on_stage.post.letters)
    on_stage.kill_all("beat")
    since = datetime.now(UTC)
    until(lambda: beats(on_stage, since) >= 2, or_else="two beats are left and were not heard")
