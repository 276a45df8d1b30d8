"""One batch of v2 while it lives: its files move, and each of its states is put into the world."""

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
    """A batch and its files; a state that was put is never edited, the next one replaces it.

    ``status`` is LlamaCloud's, ``shows`` are those in which its results are shown, and null in
    others. What ended before ``counts_since`` adds nothing; neither do mapping errors if it
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
        """LlamaCloud's time, as exact as its JSON carries it."""
        return round(self._world.clock(), 6)

    def add_files(self, number: int, *, bad_share: float) -> None:
        """Give the batch more files, the jobs of about ``bad_share`` of which will not complete."""
        for _ in range(number):
            bad = self.random.random() < bad_share
            fate = self.random.choice(_FATES[1:]) if bad else _FATES[0]
            file_id = f"dfl-{self.history.job_id}-{len(self._files):05d}"
            self._files.append(BatchFile(file_id, fate))

    def numbers(self, *statuses: str) -> list[int]:
        """Return the numbers of the files whose jobs are in one of LlamaCloud's statuses."""
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
        """Have LlamaCloud make no job for files, and say why."""
        for number in numbers:
            self._files[number].mapping_error = self.random.choice(_MAPPING_ERRORS)

    def lose(self, numbers: Iterable[int]) -> None:
        """Give files jobs that are listed nowhere, because of their type or for no reason."""
        for number in numbers:
            kind = self.random.choice(("parse_v2", "extract_v2", "split_v2"))
            lost = {"type": kind, "id": f"lost-{self.history.job_id}-{number:05d}"}
            self._files[number].reference = lost

    def move(self, numbers: Iterable[int], status: str) -> None:
        """Bring file jobs into a status in which they have not ended."""
        for number in numbers:
            self._change(number, status=status, updated_at=self.now)

    def settle(
        self, numbers: Iterable[int], fate: str | None = None, *, ago_seconds: float = 0.0
    ) -> None:
        """Bring file jobs to their end."""
        moment = self._moment(ago_seconds)
        for number in numbers:
            status = fate or self._files[number].fate
            message = self.random.choice(_MESSAGES) if status == "FAILED" else None
            self._change(number, status=status, updated_at=moment, error_message=message)

    def put(self, status: str, *, updated_ago_seconds: float = 0.0) -> None:
        """Put the batch as it is now into the world, in one of LlamaCloud's statuses."""
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
            is_told=is_shown or self._is_known,
            created_at=history.created_at,
            updated_at=self._updated_at,
            is_of_before=self._is_of_before,
        )
        self._record(state, lambda: self._world.add_batch(batch))

    def remember(self) -> None:
        """Note that the exporter has read the results: it knows them when they are null again."""
        self._is_known = self.history.latest.is_told

    def vanish(self) -> None:
        """Let LlamaCloud forget the batch while it is active; its file jobs stay."""
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
