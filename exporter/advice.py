"""What the log says to do about events, or what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import ErrorReason

if TYPE_CHECKING:
    from exporter.domain import Failure

_LISTING_FAILED = "see the last project.listing_failed"
_LISTING_TAKES_LONG = (
    "a listing takes longer than poll.stale_after: raise api.requests_per_minute or "
    "poll.stale_after, or narrow the project by directory_ids or job_types"
)
CERTIFICATE_REFUSED = (
    "name the file of your company's CA in SSL_CERT_FILE if that signed the certificate; if a"
    " certificate lacks what RFC 5280 asks for, set api.tls_strict to false; otherwise check"
    " LLAMA_CLOUD_BASE_URL and the clock of this machine"
)
LIMIT_REACHED = (
    "a limit of this machine is reached: raise that of open files (ulimit -n, LimitNOFILE), of"
    " processes and threads (ulimit -u, TasksMax, pids limit) or of memory (ulimit -v, MemoryMax),"
    " or look for what uses them up"
)
_REFUSED_KEY = (
    "it is tried ever less often, every five minutes in the end; a key file is read again within "
    "an interval, one in the settings file at a reload, one in a variable at a restart"
)
RETURNED = "failed items were reported after the job had left: it is shown again"
NEVER_COUNTED = (
    "its items were never counted, and are no longer asked for: raise api.requests_per_minute if"
    " the budget is too small, or items.max_pages if the job is too large; if they do not add up"
    " to its total_items, look at it in LlamaCloud's own console"
)
NEVER_SETTLED = (
    "some of its items were in no end state when they were last counted, and are no longer asked"
    " for: look at the job in LlamaCloud's own console"
)
CONTRADICTED = (
    "LlamaCloud's list and its status of this job contradict each other: the newer updated_at is"
    " published, without one what moved last, or else the list; where both tell one status, the"
    " greater number of failed items is, unless it is of an end before a retry"
)
NOT_OFFERED = (
    "LlamaCloud does not offer this generation of its batch API to the project, which is read"
    " without it; it is asked again with every full listing: set api.versions to the other one"
    " alone to stop that"
)
WITHDRAWN = (
    "its jobs are no longer followed: their active series are withdrawn after poll.stale_after, and"
    " they leave after retention.failed, unless it answers before; it is asked again with every"
    " full listing: if LlamaCloud withdrew it for good, set api.versions to the other one alone"
)
NEVER_ANSWERED = (
    "the project is read without this generation of the batch API until it answers; it is asked"
    " again after one interval, then two, four and so on"
)
TRUNCATED = (
    "jobs may be missing: raise poll.max_pages, or narrow the project by directory_ids or job_types"
)


def listing_failed(failure: Failure) -> str:
    """Say what to do about a project that cannot be listed."""
    if failure.reason is not ErrorReason.UNAUTHORIZED:
        return failure.advice
    return f"{failure.advice}; {_REFUSED_KEY}"


def stale(*, listing_fails: bool) -> str:
    """Say what it means that a project is stale."""
    cause = _LISTING_FAILED if listing_fails else _LISTING_TAKES_LONG
    return f"its active jobs are withdrawn until it is listed again; {cause}"


def set_aside(failure: Failure, *, had_answered: bool) -> str:
    """Say what it means that a generation of the API is set aside."""
    if had_answered:
        return WITHDRAWN
    # What a refusal advises is about the project, which the other generation knows.
    return NOT_OFFERED if failure.is_refusal else f"{NEVER_ANSWERED}; {failure.advice}"
