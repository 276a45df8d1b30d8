"""One v2 batch during its life: its files move, and each of its states replaces the one before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from exporter.simulator import SimulatedBatch, SimulatedFileJob, extract_result
from tests.soak.batch_states import ALL_STATUSES, BatchFile, state_of
from tests.soak.history import REASON_OF_MESSAGE, JobHistory, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from exporter.simulator import World

_JOB_TYPES: Final = {"parse": "parse_v2", "extract": "extract_v2", "unknown": "split_v2"}
_FATES: Final = ("COMPLETED", "FAILED", "CANCELLED")
_MESSAGES: Final = (*REASON_OF_MESSAGE,)
_MAPPING_ERRORS: Final = ("Could not create a job for this file", "UNSUPPORTED_FILE_TYPE: .key")
_RESULT: Final = extract_result(1_500)
_SHOWN: Final = (
    frozenset({"COMPLETED", "CANCELLED"}),
    frozenset({"COMPLETED", "CANCELLED"}),
    frozenset({"RUNNING", "COMPLETED", "CANCELLED"}),
    ALL_STATUSES,
)


class LivingBatch:
    """A batch and its files; states are replaced and never edited.

    ``status`` is LlamaCloud's. Results are shown in the statuses ``shows``, and null in others.
    File jobs that ended before ``counts_since`` add nothing; neither do mapping errors if it
    ``was_mapped_before``.
    """

    def __init__(self, world: World, history: JobHistory, random: Random) -> None:
        self.history = history
        self.random = random
        self.shows: frozenset[str] = random.choice(_SHOWN)
        self.counts_since: float | None = None
        self.was_mapped_before = False
        self._world = world
        self._files: list[BatchFile] = []
        self.status = ""
        self._updated_at = history.created_at
        self._is_known = False

    @property
    def now(self) -> float:
        """LlamaCloud's time, with the precision of its JSON."""
        return round(self._world.clock(), 6)

    def add_files(self, number: int, *, bad_share: float) -> None:
        """Add files to the batch, of whose jobs about ``bad_share`` will not complete."""
        for _ in range(number):
            bad = self.random.random() < bad_share
            fate = self.random.choice(_FATES[1:]) if bad else _FATES[0]
            file_id = f"dfl-{self.history.job_id}-{len(self._files):05d}"
            self._files.append(BatchFile(file_id, fate))

    def numbers(self, *statuses: str) -> list[int]:
        """Return the numbers of the files whose jobs have one of LlamaCloud's statuses."""
        return [n for n, f in enumerate(self._files) if f.job and f.job.status in statuses]

    def active(self) -> list[int]:
        """Return the numbers of the files whose jobs have not ended."""
        return self.numbers("PENDING", "THROTTLED", "PAUSED", "RUNNING")

    def unmapped(self) -> list[int]:
        """Return the numbers of the files that have neither a job nor an error."""
        return [n for n, file in enumerate(self._files) if file.is_unmapped]

    def map(self, numbers: Iterable[int], *, ago_seconds: float = 0.0) -> None:
        """Give files a job, or a new one."""
        kind = "extract_v2" if self.history.job_type == "extract" else "parse_v2"
        waits = ("PENDING", "THROTTLED") if kind == "extract_v2" else ("PENDING",)
        moment = self._moment(ago_seconds)
        for number in numbers:
            file = self._files[number]
            file.times_mapped += 1
            file.job = SimulatedFileJob(
                id=f"{kind[:3]}-{self.history.job_id}-{number:05d}-{file.times_mapped}",
                type=kind,
                status=self.random.choice(waits),
                project_id=self.history.project.project_id,
                name=f"{file.id}.pdf",
                file_input=file.id,
                created_at=moment,
                updated_at=moment,
                extract_result=_RESULT if kind == "extract_v2" else None,
            )

    def refuse(self, numbers: Iterable[int]) -> None:
        """Give files a mapping error instead of a job."""
        for number in numbers:
            self._files[number].mapping_error = self.random.choice(_MAPPING_ERRORS)

    def lose(self, numbers: Iterable[int]) -> None:
        """Give files jobs that are listed nowhere, because of their type or for no reason."""
        for number in numbers:
            kind = self.random.choice(("parse_v2", "extract_v2", "split_v2"))
            lost = {"type": kind, "id": f"lost-{self.history.job_id}-{number:05d}"}
            self._files[number].reference = lost

    def move(self, numbers: Iterable[int], status: str) -> None:
        """Move file jobs to a status in which they have not ended."""
        for number in numbers:
            self._change(number, status=status, updated_at=self.now)

    def settle(
        self, numbers: Iterable[int], fate: str | None = None, *, ago_seconds: float = 0.0
    ) -> None:
        """End file jobs."""
        moment = self._moment(ago_seconds)
        for number in numbers:
            status = fate or self._files[number].fate
            message = self.random.choice(_MESSAGES) if status == "FAILED" else None
            self._change(number, status=status, updated_at=moment, error_message=message)

    def put(self, status: str, *, updated_ago_seconds: float = 0.0) -> None:
        """Put the batch's present state into the world, in one of LlamaCloud's statuses."""
        if status != self.status:
            self.status, self._updated_at = status, self._moment(updated_ago_seconds)
        history, is_shown = self.history, status in self.shows
        batch = SimulatedBatch(
            id=history.job_id,
            job_type=_JOB_TYPES[history.job_type],
            status=status,
            project_id=history.project.project_id,
            files=[file.simulated() for file in self._files],
            source_directory_id=history.directory_id,
            configuration_id=history.configuration_id,
            created_at=history.created_at,
            updated_at=self._updated_at,
            overrides={} if is_shown else {"results": None},
        )
        state = state_of(
            status,
            self._files,
            has_results=is_shown or self._is_known,
            created_at=history.created_at,
            updated_at=self._updated_at,
            is_of_before=self._is_of_before,
        )
        self._record(state, lambda: self._world.add_batch(batch))

    def remember(self) -> None:
        """Record that the exporter has read the results, even if they become null again."""
        self._is_known = self.history.latest.has_results

    def vanish(self) -> None:
        """Remove the batch while it is active; its file jobs stay."""
        self._is_known = False
        before = self.history.latest
        gone = replace(before, status="gone", later=None, status_before_gone=before.status)
        self._record(gone, lambda: self._world.remove_batch(self.history.job_id))

    def _moment(self, ago_seconds: float) -> float:
        return max(round(self.now - ago_seconds, 6), self.history.created_at)

    def _change(self, number: int, **facts: Any) -> None:
        job = self._files[number].job
        assert job is not None
        self._files[number].job = replace(job, **facts)

    def _record(self, state: State, put: Callable[[], object]) -> None:
        put_at = self.now
        put()
        self.history.states.append(replace(state, put_at=put_at, put_by=self._world.clock()))

    def _is_of_before(self, file: BatchFile) -> bool:
        if self.counts_since is None:
            return False
        if file.mapping_error is not None:
            return self.was_mapped_before
        return file.ended_at is not None and file.ended_at < self.counts_since
