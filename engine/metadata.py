"""Every table there is: imported by Alembic and by tests, so that no models module can be forgotten."""

import engine.accounts.models
import engine.dispatch.models
import engine.doses.models
import engine.events.models
import engine.inventory.models
import engine.medicines.models
import engine.notifications.models
import engine.prescriptions.models
import engine.pulse.models
import engine.reminders.models
import engine.requests.models  # noqa: F401
from engine.tables import Base

metadata = Base.metadata
