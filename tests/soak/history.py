"""The history of each job: every state, recorded when it was put into the world."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.simulator import SimulatedItem
    from tests.soak.projects import SoakProject

API_VERSIONS: Final = ("v1beta", "v2")
JOB_STATUSES: Final = (
    *("pending", "throttled", "running", "dispatched"),
    *("completed", "failed", "cancelled", "unknown", "gone"),
)
ENDED_STATUSES: Final = ("completed", "failed", "cancelled", "gone")
ITEM_STATUSES: Final = (
    *("pending", "processing", "completed", "failed", "skipped", "cancelled"),
    "unknown",
)
ENDED_ITEM_STATUSES: Final = ("completed", "failed", "skipped", "cancelled")
SKIP_REASONS: Final = ("already_processed", "size_limit_exceeded", "other")
# LlamaCloud's messages of failed items, and the reason to publish for each.
REASON_OF_MESSAGE: Final = {
    "The document could not be read": "other",
    "PDF_IS_BROKEN: no trailer": "pdf_is_broken",
    "Parsing gave up after TIMEOUT, engine_error: killed": "timeout",
    "schema_validation: $.total is not a number": "schema_validation",
    None: "none",
}
FAILURE_REASONS: Final = (
    *("unsupported_file_type", "pdf_is_protected", "pdf_is_broken", "no_data_found_in_file"),
    *("document_too_large", "too_many_pages", "timeout", "expired", "error_during_processing"),
    *("markdown_extraction_failed", "reconstruction_error", "parsing_error", "schema_validation"),
    *("inputs_invalid", "engine_error", "llm_refusal", "not_mapped", "none", "other"),
)
JOB_TYPES: Final = ("parse", "extract", "classify", "unknown")


@dataclass(frozen=True, slots=True)
class State:
    """A job from ``put_at`` on; no answer from ``put_by`` on shows an earlier state.

    Statuses and reasons are named as published. A removed job is ``gone``, with all else unchanged.

    ``has_results`` is false for a v2 batch until LlamaCloud gives its results; until then the other
    numbers are empty. ``of_before`` are those of ``by_status`` that ended before the exporter began
    and add nothing, ``reasons_of_before`` those of ``failure_reasons``. ``later`` is what is
    published once the exporter has given up waiting for ``items_given_up`` of it.
    """

    put_at: float
    put_by: float
    status: str
    started_at: float | None
    completed_at: float | None
    by_status: Mapping[str, int]
    skip_reasons: Mapping[str, int]
    failure_reasons: Mapping[str, int]
    newest_time: float
    newest_time_of_job: float
    item_seconds: tuple[float, ...] = ()
    failed_ids: frozenset[str] = frozenset()
    status_before_gone: str = ""
    has_results: bool = True
    of_before: Mapping[str, int] = field(default_factory=dict)
    reasons_of_before: Mapping[str, int] = field(default_factory=dict)
    items_given_up: int = 0
    later: State | None = None

    @property
    def total(self) -> int:
        """Items of every status."""
        return sum(self.by_status.values())

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.status in ENDED_STATUSES

    @property
    def settled(self) -> bool:
        """Whether all items have ended."""
        return self.total == sum(self.by_status.get(status, 0) for status in ENDED_ITEM_STATUSES)

    @property
    def failing(self) -> bool:
        """Whether the job failed or has failed items."""
        return self.status == "failed" or self.by_status.get("failed", 0) > 0


@dataclass(slots=True)
class JobHistory:
    """The life of one job.

    ``counts_from`` is the number of the state whose items add nothing, because the job was running
    before the exporter knew of it; ``None`` if all add. ``adds`` is false for a job that had ended
    by then. ``sparse`` jobs do not report counts of their own. A batch ``is_unread`` if it may have
    been mapped before it was listed, because v2 was set aside until then; it ``may_be_past`` if it
    could not be read until it was older than the longest retention, and then adds nothing.
    """

    job_id: str
    kind: str
    project: SoakProject
    job_type: str
    directory_id: str
    created_at: float
    sparse: bool = False
    adds: bool = True
    counts_from: int | None = None
    states: list[State] = field(default_factory=list)
    api_version: str = "v1beta"
    configuration_id: str = ""
    is_unread: bool = False
    may_be_past: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether it is a v2 batch."""
        return self.api_version == "v2"

    @property
    def may_end_unseen(self) -> bool:
        """Whether it may end without being shown: no answer showed its state, or too late."""
        lacks_results = not self.latest.has_results and self.latest.later is not None
        return self.may_be_past or (self.is_unread and lacks_results)

    @property
    def mapped_at(self) -> float | None:
        """When its status first became ``COMPLETED``, or ``None``."""
        mapped = (s.put_at for s in self.states if s.status in {"dispatched", "completed"})
        return next(mapped, None)

    @property
    def reports_failures(self) -> bool:
        """Whether its rows report how many of its items failed or were skipped."""
        return not self.sparse and not self.is_batch

    @property
    def latest(self) -> State:
        """The state that the job is in."""
        return self.states[-1]

    @property
    def ended_at(self) -> float | None:
        """When the job got its present ended status, or ``None``."""
        ended_at = None
        for state in reversed(self.states):
            if not state.ended or state.status != self.latest.status:
                break
            ended_at = state.put_at if state.completed_at is None else state.completed_at
            if state.status == "gone":
                ended_at = state.put_at
        return ended_at

    @property
    def returned_at(self) -> float | None:
        """When a job that left with a clean end got failed items, so that it is shown once more."""
        if self.kind == "relapsing" and self.latest.ended and self.latest.failing:
            return self.latest.put_at
        return None

    @property
    def unmoved_since(self) -> float:
        """When the published part of the job last changed."""
        since = self.latest.put_at
        for state in reversed(self.states):
            if (state.status, state.by_status) != (self.latest.status, self.latest.by_status):
                break
            since = state.put_at
        return since

    def give_up(self) -> None:
        """Record that the exporter no longer waits for missing results of the latest state."""
        state = self.latest
        assert state.later is not None
        self.states.append(replace(state.later, put_at=state.put_at, put_by=state.put_by))

    def describe(self) -> str:
        """Describe the life in a few lines, for debugging."""
        began = self.created_at
        facts = [self.api_version, self.kind, self.job_type]
        facts += ["sparse"] if self.sparse else []
        if self.counts_from is not None:
            facts.append(f"counts from state {self.counts_from}")
        lines = [
            f"{self.job_id} in {self.project.name} ({', '.join(facts)}), created {began:.3f}",
        ]
        lines += [
            f"  +{state.put_at - began:.3f}s {state.status} {dict(state.by_status)}"
            for state in self.states
        ]
        return "\n".join(lines)


def items_by_status(items: Iterable[SimulatedItem]) -> Counter[str]:
    """Count items by published status."""
    return Counter(item.status if item.status in ITEM_STATUSES else "unknown" for item in items)


def failures_by_reason(items: Iterable[SimulatedItem]) -> Counter[str]:
    """Count failed items by published reason."""
    return Counter(REASON_OF_MESSAGE[i.error_message] for i in items if i.status == "failed")


def skips_by_reason(items: Iterable[SimulatedItem]) -> Counter[str]:
    """Count skipped items by published reason."""
    return Counter(
        item.skip_reason if item.skip_reason in SKIP_REASONS else "other"
        for item in items
        if item.status == "skipped"
    )
