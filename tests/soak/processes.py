"""The exporter of a soak, which may be killed and started again with its state file."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from process import running
from soak.log_truth import read_log, unexpected_lines

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from process import Exporter


class Processes:
    """Owns the running exporter; ``given_up`` are the jobs that any of them gave up."""

    def __init__(self, settings: Path) -> None:
        self.given_up: set[str] = set()
        self.number = 0
        self._settings = settings
        self._life = ExitStack()
        self.exporter = self._start()

    def __enter__(self) -> Self:
        """Return the exporter's owner."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the running exporter."""
        self._life.close()

    @property
    def metrics_url(self) -> str:
        """Where the running exporter serves its metrics."""
        (listening,) = self.exporter.events("exporter.listening")
        return str(listening["metrics"])

    def note_given_up(self) -> set[str]:
        """Return the jobs that were given up so far."""
        self.given_up |= {r["job_id"] for r in self.exporter.events("job.given_up")}
        return self.given_up

    def kill(self) -> list[str]:
        """Kill the exporter and start another one; say what the first one should not have logged.

        The last line may be cut off.
        """
        self.exporter.process.kill()
        self.exporter.process.wait()
        self.note_given_up()
        wrong = unexpected_lines(read_log(self.exporter.log_file, is_cut_off=True))
        self._life.close()
        self.exporter = self._start()
        return wrong

    def _start(self) -> Exporter:
        self.number += 1
        return self._life.enter_context(running(f"--config.file={self._settings}"))
