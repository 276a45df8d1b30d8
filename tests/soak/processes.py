"""The exporter of a soak, which may be reloaded, or killed and restarted with its state."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from tests.soak.log_truth import read_log, unexpected_lines
from tests.support.exporter_process import running

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from tests.support.exporter_process import Exporter

_RELOADS_BETWEEN_OTHER_POLLERS = 10


class Processes:
    """Owns the running exporter; ``given_up`` are the jobs that any of them gave up."""

    def __init__(self, settings: Path) -> None:
        self.given_up: set[str] = set()
        self.number = 0
        self.reloads = 0
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
        """Stop the running exporter."""
        self._life.close()

    @property
    def metrics_url(self) -> str:
        """The URL of the running exporter's metrics."""
        (listening,) = self.exporter.events("exporter.listening")
        return str(listening["metrics"])

    @property
    def have_been_replaced(self) -> bool:
        """Whether new pollers continued the projects: a request under way is not counted then."""
        return self.number > 1 or self.reloads >= _RELOADS_BETWEEN_OTHER_POLLERS

    def note_given_up(self) -> set[str]:
        """Return the jobs that were given up so far."""
        self.given_up |= {r["job_id"] for r in self.exporter.events("job.given_up")}
        return self.given_up

    def kill(self) -> list[str]:
        """Kill the exporter and start another; report what the first should not have logged.

        The last line may be cut off.
        """
        self.exporter.process.kill()
        self.exporter.process.wait()
        self.note_given_up()
        wrong = unexpected_lines(read_log(self.exporter.log_file, is_cut_off=True))
        self._life.close()
        self.exporter = self._start()
        return wrong

    def reload(self) -> None:
        """Make the exporter apply settings that differ from the present ones.

        Sometimes all projects continue with new pollers.
        """
        self.reloads += 1
        replaces = self.reloads % _RELOADS_BETWEEN_OTHER_POLLERS == 0
        name = "concurrency" if replaces else "requests_per_minute"
        changed = re.sub(rf"{name}: \d+", _one_more_or_less, self._settings.read_text())
        # A file that is read while it is written would be invalid.
        new = self._settings.with_suffix(".new")
        new.write_text(changed)
        new.replace(self._settings)
        self.exporter.process.send_signal(signal.SIGHUP)

    def _start(self) -> Exporter:
        self.number += 1
        return self._life.enter_context(running(f"--config.file={self._settings}"))


def _one_more_or_less(setting: re.Match[str]) -> str:
    name, number = setting[0].split(": ")
    return f"{name}: {int(number) ^ 1}"
