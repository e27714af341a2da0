"""One row that PostgreSQL will not take: it delays whom it must, and nobody else."""

import pytest

from tests.support.acknowledged import assert_letters
from tests.support.machine import until
from tests.support.morning import morning
from tests.support.playing import Stage

EVERYTHING = ("-Q", "tick,drain,upkeep,send")
_REFUSE = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$",
    "CREATE TRIGGER refuse BEFORE INSERT ON notifications FOR EACH ROW WHEN (NEW.user_id = {user_id})"
    " EXECUTE FUNCTION refuse()",
)


@pytest.mark.parametrize("by", ["beat", "the watchdog"])
def test_a_dose_that_cannot_be_claimed_delays_nobody_in_another_shard(on_stage: Stage, by: str) -> None:
    at_eight = morning(on_stage, addresses=20)
    victim = at_eight.crowd.ids[-1]
    for statement in _REFUSE:
        on_stage.do(statement.format(user_id=victim))
    shared = "SELECT count(*) FROM doses WHERE shard = (SELECT shard FROM users WHERE id = :id)"
    (shard,) = on_stage.rows(shared, id=victim)
    on_stage.start("worker", *EVERYTHING)
    if by == "beat":
        on_stage.start("beat")
    at_eight.wait_told(people=300 - shard["count"])
    print(f"a dose that cannot be claimed: {at_eight.told} of 300 told, {shard['count']} in its shard")
    said = "task.failed" if by == "beat" else "watchdog.failed"
    until(lambda: said in on_stage.said("worker"), or_else="nobody said so")
    on_stage.do("DROP TRIGGER refuse ON notifications")
    at_eight.wait_told()
    at_eight.wait_sent()
    assert_letters(on_stage.engine, on_stage.post.letters)
