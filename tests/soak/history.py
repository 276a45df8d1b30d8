"""What happened: every state that each job was in, recorded as it was put into the world."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soak.projects import SoakProject

    from exporter.simulator import SimulatedItem

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
# What LlamaCloud says of failed items, and the reason that is to be published of it.
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

    Statuses and reasons are named as they are published. A job that was removed is ``gone``, with
    the rest as it was.
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
        """Whether all items are in an end state."""
        return self.total == sum(self.by_status.get(status, 0) for status in ENDED_ITEM_STATUSES)

    @property
    def failing(self) -> bool:
        """Whether the job failed or has failed items."""
        return self.status == "failed" or self.by_status.get("failed", 0) > 0


@dataclass(slots=True)
class JobHistory:
    """The life of one job.

    ``counts_from`` is the number of the state whose items add nothing, because the job was under
    way before the exporter knew of it; ``None`` if all adds. ``adds`` is false for a job that had
    ended by then. ``sparse`` jobs do not report counts of their own.
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

    @property
    def latest(self) -> State:
        """The state that the job is in."""
        return self.states[-1]

    @property
    def ended_at(self) -> float | None:
        """When the job came into the ended status that it is in."""
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
        """When a job that had left with a clean end got failed items: it is shown once more."""
        if self.kind == "relapsing" and self.latest.ended and self.latest.failing:
            return self.latest.put_at
        return None

    def told(self) -> str:
        """Describe the life in a few lines, for a person who looks for a mistake."""
        began = self.created_at
        facts = [self.kind, self.job_type, *(["sparse"] if self.sparse else [])]
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
    """Count items by the status that is to be published."""
    return Counter(item.status if item.status in ITEM_STATUSES else "unknown" for item in items)


def failures_by_reason(items: Iterable[SimulatedItem]) -> Counter[str]:
    """Count failed items by the reason that is to be published."""
    return Counter(REASON_OF_MESSAGE[i.error_message] for i in items if i.status == "failed")


def skips_by_reason(items: Iterable[SimulatedItem]) -> Counter[str]:
    """Count skipped items by the reason that is to be published."""
    return Counter(
        item.skip_reason if item.skip_reason in SKIP_REASONS else "other"
        for item in items
        if item.status == "skipped"
    )
