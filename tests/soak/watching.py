"""The jobs as seen in all scrapes so far, and the faults of the latest scrape."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.soak import batch_truth, gauge_truth, job_truth, never_falling
from tests.soak.counter_truth import too_much_counted, what_happened, wrong_counters
from tests.soak.exposition import Exposition
from tests.soak.history import ENDED_STATUSES
from tests.soak.projects import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from tests.soak.exposition import JobSamples
    from tests.soak.history import JobHistory

_DIFFERENCES_SHOWN = 20
_OFFERED = "llamacloud_exporter_api_offered"
_ANSWERED = "llamacloud_exporter_api_last_answered_timestamp_seconds"


class Watch:
    """Compares each scrape with the one before, and the last with the truth.

    ``odd_fields`` returns the fields of a job's row that were odd in some answer.
    """

    def __init__(
        self, histories: Mapping[str, JobHistory], odd_fields: Callable[[str], AbstractSet[str]]
    ) -> None:
        self._histories = histories
        self._odd_fields = odd_fields
        self._last_seen: dict[str, tuple[JobSamples, float]] = {}
        self._seen_active: set[str] = set()
        # According to the last scrape that showed them.
        self._seen_ended: set[str] = set()
        self.latest = Exposition()
        self.left: set[str] = set()
        # From the log: the items of these jobs are no longer requested.
        self.given_up: set[str] = set()
        self._restarted = False
        self._forgot_file_jobs = False

    def restarted(self) -> None:
        """Record that the next scrape is that of another process with the same state."""
        self._restarted = True
        self._forgot_file_jobs = any(history.is_batch for history in self._histories.values())

    def take(self, exposition: Exposition) -> list[str]:
        """Add a scrape, and report what can never be true in it."""
        gave_up_early = self._note_given_up(exposition)
        wrong = gauge_truth.jobs_in_parts(exposition)
        wrong += never_falling.fallen(self.latest, exposition, restarted=self._restarted)
        self._restarted = False
        wrong += job_truth.impossible_counts(self._histories, exposition)
        # Before a project's first listing, its gauges are not checked.
        listed = [
            project
            for project in PROJECTS
            if exposition.value("llamacloud_exporter_listing_truncated", project=project.name)
            is not None
        ]
        unread = self._note_unread(exposition)
        wrong += [] if wrong else gauge_truth.wrong_gauges(exposition, listed, unread)
        self._note(exposition)
        return wrong + gave_up_early

    def counted_too_much(self) -> list[str]:
        """Report counters that exceed what has happened so far, or do not add up."""
        happened = what_happened(self._histories.values(), lambda _: False)
        wrong = never_falling.broken_histograms(self.latest)
        return wrong + too_much_counted(happened, self.latest)

    def is_shown(self, history: JobHistory) -> bool:
        """Return whether the latest scrape shows a job's latest state."""
        return job_truth.is_shown(history, self.latest)

    def is_known(self, history: JobHistory) -> bool:
        """Return whether the latest scrape shows a job as it is, whenever it was requested."""
        return job_truth.is_known(history, self.latest)

    def has_left(self, history: JobHistory) -> bool:
        """Return whether the latest scrape no longer shows a job that was shown before."""
        return history.job_id in self.left

    def just_left(self) -> list[JobHistory]:
        """Return the ended jobs that the latest scrape no longer shows, each once.

        Active jobs of a stale API generation are shown again later.
        """
        left = self._seen_ended - self.latest.jobs.keys() - self.left
        self.left |= left
        return [self._histories[job_id] for job_id in sorted(left)]

    def items_seen(self, history: JobHistory) -> bool:
        """Return whether a scrape showed a job's items as they are."""
        return not self._wrong_job(history, was_requested=True)

    def differences(self) -> list[str]:
        """Report how the latest scrape, and jobs that had left by then, differ from the truth."""
        exposition = self.latest
        wrong = [line for history in self._histories.values() for line in self._differing(history)]
        unread = Counter(h.project.name for h in self._histories.values() if h.may_end_unseen)
        wrong += gauge_truth.wrong_gauges(exposition, PROJECTS, unread)
        wrong += [
            f"{name}{dict(labels)}: expected {expected}, actual {actual}"
            for (name, labels), expected in gauge_truth.health(PROJECTS)
            if expected != (actual := exposition.samples.get((name, labels)))
        ]
        happened = what_happened(self._histories.values(), self.items_seen)
        return wrong + wrong_counters(
            happened,
            exposition,
            [project.name for project in PROJECTS],
            forgot_file_jobs=self._forgot_file_jobs,
        )

    def inexact(self) -> list[str]:
        """Return the jobs whose items were never seen to be counted to their end."""
        return [
            history.job_id
            for history in self._histories.values()
            if history.adds and not self.items_seen(history)
        ]

    def _note(self, exposition: Exposition) -> None:
        self.latest = exposition
        self.left -= exposition.jobs.keys()
        for job_id, samples in exposition.jobs.items():
            self._last_seen[job_id] = samples, exposition.read_at
            if any(samples["status", status] for status in ENDED_STATUSES):
                self._seen_ended.add(job_id)
            else:
                self._seen_ended.discard(job_id)
                self._seen_active.add(job_id)

    def _note_given_up(self, exposition: Exposition) -> list[str]:
        """Record batches that are no longer waited for; report those given up too early."""
        wrong = []
        for job_id, samples in exposition.jobs.items():
            history = self._histories[job_id]
            if batch_truth.has_given_up(history.latest, samples):
                waited_seconds = exposition.read_at - history.unmoved_since
                if waited_seconds < batch_truth.GIVES_UP_AFTER_SECONDS:
                    wrong.append(f"given up too early: {history.describe()}")
                history.give_up()
        return wrong

    def _note_unread(self, exposition: Exposition) -> Counter[str]:
        """Record batches that may have been mapped before they were seen; count them by project."""
        aside = {
            project.name
            for project in PROJECTS
            if exposition.value(_OFFERED, project=project.name, api_version="v2") != 1.0
            # Batches mapped before the first listing of a process are unread.
            or exposition.value(_ANSWERED, project=project.name, api_version="v2") is None
        }
        unseen = [
            history
            for history in self._histories.values()
            if history.is_batch
            and history.job_id not in exposition.jobs
            and history.job_id not in self._last_seen
            and job_truth.may_be_shown(history)
        ]
        for history in unseen:
            history.is_unread |= history.project.name in aside
            history.may_be_past |= job_truth.is_old_and_unread(history, exposition.read_at)
        return Counter(
            history.project.name
            for history in unseen
            if history.latest.status in {"dispatched", "completed"}
        )

    def _differing(self, history: JobHistory) -> list[str]:
        shown = history.job_id in self.latest.jobs
        given_up = history.job_id in self.given_up
        if shown and not job_truth.may_be_shown(history):
            wrong = ["must not be shown"]
        elif not shown and self._must_be_shown(history, given_up=given_up):
            wrong = ["must be shown"]
        elif not job_truth.may_be_shown(history):
            wrong = []
        else:
            # A job that adds to no counter may leave before it is requested. One that ended long
            # before it was read is not shown.
            adds = history.adds and not history.is_unread
            was_requested = shown or adds or history.job_id in self._seen_active
            wrong = self._wrong_job(
                history, was_requested=was_requested, given_up=given_up, may_be_late=True
            )
            wrong += batch_truth.wrongly_waited(history, self.latest.read_at) if shown else ()
        if not wrong:
            return []
        return [f"{history.describe()}\n  {'; '.join(wrong[:_DIFFERENCES_SHOWN])}"]

    def _must_be_shown(self, history: JobHistory, *, given_up: bool) -> bool:
        # Neither a count nor the row showed its failed items, so it left like a job without any.
        tells_failures = not history.sparse and "failed_items" not in self._odd_fields(
            history.job_id
        )
        may_be_early = given_up and not tells_failures
        return not may_be_early and job_truth.must_be_shown(history, self.latest.read_at)

    def _wrong_job(
        self,
        history: JobHistory,
        *,
        was_requested: bool,
        given_up: bool = False,
        may_be_late: bool = False,
    ) -> list[str]:
        seen = self._last_seen.get(history.job_id)
        if seen is None:
            return ["was never shown"] if was_requested else []
        samples, read_at = seen
        # A job that left may have been last shown while part of its row was unreadable.
        left = history.job_id not in self.latest.jobs
        given_up = given_up and not history.is_batch
        return job_truth.wrong_samples(
            history,
            samples,
            read_at,
            was_requested=was_requested,
            given_up=given_up,
            left_late=may_be_late and left and job_truth.left_late(history, read_at),
            odd_fields=self._odd_fields(history.job_id) if left else frozenset(),
        )
