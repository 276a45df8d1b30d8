"""What is known of each project's jobs, told truthfully.

Pure functions from an old state, an observation and a moment to a new state: no clock, no HTTP, no
metrics library.
"""

from exporter.tracker.due import (
    DueJobs,
    count_can_wait,
    due_for_refresh,
    is_due,
    wants_count,
    wants_status,
)
from exporter.tracker.listing import taking_in
from exporter.tracker.publishing import publish
from exporter.tracker.refreshing import (
    counted,
    is_listed,
    not_found,
    refreshed,
    scraped,
    uncountable,
)
from exporter.tracker.remembering import news_since
from exporter.tracker.state import (
    Event,
    ItemsFailed,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    MoreItemsFailed,
    ProjectState,
    TrackerRules,
    initial_state,
)

__all__ = [
    "DueJobs",
    "Event",
    "ItemsFailed",
    "JobAppeared",
    "JobChangedStatus",
    "JobEnded",
    "MoreItemsFailed",
    "ProjectState",
    "TrackerRules",
    "count_can_wait",
    "counted",
    "due_for_refresh",
    "initial_state",
    "is_due",
    "is_listed",
    "news_since",
    "not_found",
    "publish",
    "refreshed",
    "scraped",
    "taking_in",
    "uncountable",
    "wants_count",
    "wants_status",
]
