"""Eight o'clock: everybody's dose is due, and the test waits until each has been told and written to."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.support.crowd import Crowd, gather, plan
from tests.support.machine import until
from tests.support.playing import Stage

_TOLD = "SELECT count(*) FROM notifications WHERE kind = 'due' AND user_id = ANY(:ids)"
_SETTLED = "SELECT count(DISTINCT notification_id) FROM deliveries WHERE user_id = ANY(:ids)"
_WAITING = "SELECT count(*) FROM outbox WHERE user_id = ANY(:ids)"
_BECAME = (
    "SELECT status, count(*) FROM reminder_logs WHERE user_id = ANY(:ids) AND superseded_at IS NULL GROUP BY status"
)


@dataclass(frozen=True)
class Morning:
    """`due_at` is the instant of everybody's dose."""

    stage: Stage
    crowd: Crowd
    due_at: datetime

    @property
    def told(self) -> int:
        return self.stage.count(_TOLD, ids=self.crowd.ids)

    @property
    def became(self) -> dict[str, int]:
        """How many doses have which outcome."""
        return {row["status"]: row["count"] for row in self.stage.rows(_BECAME, ids=self.crowd.ids)}

    def wait_told(self, seconds: float = 60, *, people: int | None = None) -> None:
        wanted = len(self.crowd.ids) if people is None else people
        until(lambda: self.told >= wanted, seconds, or_else="not everybody was told")

    def wait_closed(self, seconds: float = 60) -> None:
        until(lambda: sum(self.became.values()) == len(self.crowd.ids), seconds, or_else="not all windows were closed")

    def wait_sent(self, seconds: float = 60) -> None:
        """Every message is settled, one way or the other."""
        of = self.crowd.reachable
        until(
            lambda: self.stage.count(_SETTLED, ids=of) >= len(of) and not self.stage.count(_WAITING, ids=of),
            seconds,
            or_else="some messages wait still",
        )

    def lateness(self) -> float:
        """Of whoever was told last, in seconds, by when it was committed."""
        late = self.stage.rows(
            "SELECT max(extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at))::float8 AS late"
            " FROM notifications WHERE kind = 'due' AND user_id = ANY(:ids)",
            ids=self.crowd.ids,
        )
        return float(late[0]["late"])


def morning(
    stage: Stage, people: int = 300, *, addresses: int = 0, seconds: float = -2, window: timedelta = timedelta(hours=4),
    first: int = 100_001,
) -> Morning:  # fmt: skip
    """So many people, the first of whom have addresses, with a dose due in so many `seconds`."""
    now = datetime.now(UTC)
    crowd = gather(stage.engine, people, addresses=addresses, first=first, now=now)
    due_at = now + timedelta(seconds=seconds)
    plan(stage.engine, crowd.ids, due_at, window=window)
    return Morning(stage, crowd, due_at)


def ticked_until(stage: Stage, *instants: datetime) -> None:
    """As if beat had ticked at these instants and somebody had taken each up."""
    for at in instants:
        stage.do(
            "INSERT INTO pulses (slot_at, recorded_at, source) VALUES (:slot_at, :at, 'beat') ON CONFLICT DO NOTHING",
            slot_at=at.replace(microsecond=0),
            at=at,
        )


def lease_is_over(stage: Stage) -> None:
    """What is leased now comes up again at once, as it would when its lease ends."""
    stage.do("UPDATE outbox SET ready_at = leased_until_at - interval '1 hour' WHERE leased_until_at IS NOT NULL")
