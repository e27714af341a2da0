"""Where a person lives, and their doses with them: a profile saved and its reminders moved commit as one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from engine.accounts import profile
from engine.accounts.access import Who
from engine.dispatch import regimen


def save_profile(session: Session, who: Who, *, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Change what is given. The first choice of a zone re-plans the reminders written in an assumed one."""
    before = profile.me(session, who)
    after = profile.update_profile(session, who, given=given, now=now)
    if before["time_zone_is_assumed"] and not after["time_zone_is_assumed"]:
        regimen.move_to_zone(session, who, after["time_zone"], was_assumed=True, now=now)
    return after
