"""A relay that is slow, that refuses, and that takes a letter and goes away: told in time all the same, and once."""

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.dripping import dripping
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
_OUTCOMES = "SELECT outcome, may_repeat, count(*) FROM deliveries GROUP BY 1, 2 ORDER BY 1, 2"


def outcomes(stage: Stage) -> dict[tuple[str, bool], int]:
    return {(row["outcome"], row["may_repeat"]): row["count"] for row in stage.rows(_OUTCOMES)}


def test_a_relay_that_puts_us_off_and_refuses_one_gets_every_other_letter_once(on_stage: Stage) -> None:
    at_eight = morning(on_stage, 60, addresses=30)
    on_stage.post.answer = "451 4.3.0 Try again later"
    on_stage.post.refused.add(f"p{at_eight.crowd.reachable[0]}@example.com")
    on_stage.start("worker", *EVERYTHING)
    at_eight.wait_told()
    until(lambda: on_stage.count("SELECT count(*) FROM outbox WHERE attempts > 0") == 29)
    assert outcomes(on_stage) == {("refused", False): 1}
    on_stage.post.answer = None
    at_eight.wait_sent()
    assert outcomes(on_stage) == {("refused", False): 1, ("sent", False): 29}
    assert_letters(on_stage.engine, on_stage.post.letters)


def test_a_relay_that_takes_a_letter_and_hangs_up_gets_it_once_more_and_each_is_counted(on_stage: Stage) -> None:
    """Nobody can know whether it will be delivered. It is sent again, marked as one that may come twice."""
    at_eight = morning(on_stage, 30, addresses=20)
    on_stage.post.keeps_and_drops = True
    on_stage.start("worker", *EVERYTHING)
    at_eight.wait_told()
    on_stage.post.wait_for(20)
    until(lambda: on_stage.count("SELECT count(*) FROM outbox WHERE leased_until_at IS NULL") == 20)
    on_stage.post.keeps_and_drops = False
    a_minute_later(on_stage)
    at_eight.wait_sent()
    assert_letters(on_stage.engine, on_stage.post.letters, in_flight=20)
    assert outcomes(on_stage) == {("sent", True): 20}


def test_a_relay_that_always_hangs_up_is_not_given_a_third_copy(on_stage: Stage) -> None:
    at_eight = morning(on_stage, 30, addresses=20)
    on_stage.post.keeps_and_drops = True
    on_stage.start("worker", *EVERYTHING)
    on_stage.post.wait_for(20)
    until(lambda: on_stage.count("SELECT count(*) FROM outbox WHERE leased_until_at IS NULL") == 20)
    a_minute_later(on_stage)
    at_eight.wait_sent()
    assert outcomes(on_stage) == {("failed", True): 20}
    assert_letters(on_stage.engine, on_stage.post.letters, in_flight=20)


def a_minute_later(stage: Stage) -> None:
    """As long as an unsure message waits before it is tried again."""
    stage.do("UPDATE outbox SET ready_at = ready_at - interval '2 minutes'")


@pytest.mark.slow
def test_a_relay_that_answers_each_word_just_before_we_lose_patience_gets_a_letter_once(on_stage: Stage) -> None:
    """Nine seconds for every answer, and ten is what we wait: all of them together outlast a lease."""
    with dripping(9.0) as relay:
        at_eight = morning(on_stage, 20, addresses=3)
        on_stage.environment["SMTP_PORT"] = str(relay.port)
        on_stage.start("worker", *EVERYTHING)
        on_stage.start("worker", *EVERYTHING, name="another")
        at_eight.wait_told()
        at_eight.wait_sent(180)
    assert relay.accepted == 3, "a letter came twice though no sender died"
    assert outcomes(on_stage) == {("sent", False): 3}
