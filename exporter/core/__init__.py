"""What is known of one project, and what is asked next: the pure core of the exporter.

Synchronous: it knows no clock, no HTTP, no log and no metrics library. ``ProjectCore`` hands out
actions and receives observations; frozen events and views come out.
"""

from exporter.core.actions import Action, CountItems, FetchStatus, ListJobs, RefreshJob, WaitUntil
from exporter.core.events import (
    Event,
    ItemsFailed,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    ListingFailed,
    ListingSucceeded,
    ListingTruncated,
    ListingWholeAgain,
    MoreItemsFailed,
    PollFinished,
    ProjectStale,
    RefreshFailed,
    RefreshRecovered,
)
from exporter.core.observations import (
    Abandoned,
    Failed,
    KeyChanged,
    Listed,
    Observation,
    Published,
    Refreshed,
    Scraped,
)
from exporter.core.project import ProjectCore
from exporter.core.rules import Rules

__all__ = [
    "Abandoned",
    "Action",
    "CountItems",
    "Event",
    "Failed",
    "FetchStatus",
    "ItemsFailed",
    "JobAppeared",
    "JobChangedStatus",
    "JobEnded",
    "KeyChanged",
    "ListJobs",
    "Listed",
    "ListingFailed",
    "ListingSucceeded",
    "ListingTruncated",
    "ListingWholeAgain",
    "MoreItemsFailed",
    "Observation",
    "PollFinished",
    "ProjectCore",
    "ProjectStale",
    "Published",
    "RefreshFailed",
    "RefreshJob",
    "RefreshRecovered",
    "Refreshed",
    "Rules",
    "Scraped",
    "WaitUntil",
]
