"""The advice in log lines: what an event means, or what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.domain import ErrorReason

if TYPE_CHECKING:
    from exporter.domain import Failure

_LISTING_TAKES_LONG = (
    "a listing takes longer than poll.stale_after: raise api.requests_per_minute or"
    " poll.stale_after, or limit the project with directory_ids or job_types"
)
CERTIFICATE_REFUSED = (
    "if the CA of your company signed the certificate, name its file in SSL_CERT_FILE; if a"
    " certificate lacks what RFC 5280 requires, set api.tls_strict to false; otherwise check"
    " LLAMA_CLOUD_BASE_URL and the clock of this machine"
)
LIMIT_REACHED = (
    "a limit of this machine is reached: raise the limit of open files (ulimit -n, LimitNOFILE), of"
    " processes and threads (ulimit -u, TasksMax, pids limit) or of memory (ulimit -v, MemoryMax),"
    " or find out what uses them up"
)
_REFUSED_KEY = (
    "it is tried less and less often, in the end every five minutes; a new key in a key file is"
    " used within an interval, one in the settings file after a reload, one in a variable after a"
    " restart"
)
RETURNED = "failed items were reported after the job was removed: it is shown again"
NEVER_COUNTED = (
    "its items were never counted and are no longer requested: raise api.requests_per_minute if the"
    " budget is too small, or items.max_pages if the job is too large; if they do not add up to its"
    " total_items, look at it in LlamaCloud's own console"
)
NEVER_SETTLED = (
    "some of its items had not ended when they were last counted, and are no longer requested: look"
    " at the job in LlamaCloud's own console"
)
CONTRADICTED = (
    "LlamaCloud's list and its status of this job contradict each other: the answer with the newer"
    " updated_at is published; if updated_at is missing, the answer that changed last; otherwise"
    " the list's; if both have the same status, the greater number of failed items is published,"
    " unless it is from before a retry"
)
NOT_OFFERED = (
    "LlamaCloud does not offer this generation of its batch API to the project, which is read"
    " without it; it is requested again with every full listing; to stop that, set api.versions to"
    " the other generation"
)
WITHDRAWN = (
    "its jobs are no longer refreshed: series of active ones are withdrawn after poll.stale_after,"
    " and all are removed after retention.failed, unless it answers before; it is requested again"
    " with every full listing; if LlamaCloud has withdrawn it, set api.versions to the other"
    " generation"
)
NEVER_ANSWERED = (
    "the project is read without this generation of the batch API until it answers; it is requested"
    " again after one interval, then two, four and so on"
)
TRUNCATED = (
    "jobs may be missing: raise poll.max_pages, or limit the project with directory_ids or"
    " job_types"
)


def listing_failed(failure: Failure) -> str:
    """Return the advice about a project that cannot be listed."""
    if failure.reason is not ErrorReason.UNAUTHORIZED:
        return failure.advice
    return f"{failure.advice}; {_REFUSED_KEY}"


def stale(*, listing_fails: bool) -> str:
    """Return the advice about a stale project."""
    cause = "see the last project.listing_failed" if listing_fails else _LISTING_TAKES_LONG
    return f"its active jobs are withdrawn until it is listed again; {cause}"


def set_aside(failure: Failure, *, had_answered: bool) -> str:
    """Return the advice about a generation of the API that is set aside."""
    if had_answered:
        return WITHDRAWN
    # The advice of a refusal says that the project may be wrong, but the other generation lists it.
    return NOT_OFFERED if failure.is_refusal else f"{NEVER_ANSWERED}; {failure.advice}"
