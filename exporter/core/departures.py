"""Which ended jobs are to be looked at again, and when."""

from __future__ import annotations

from heapq import heappop, heappush


class Departures:
    """The moments at which ended jobs may leave, and the jobs that only wait for scrapes.

    ``waiting_may_leave`` is set where something else than time lets them leave.
    """

    def __init__(self) -> None:
        self.waiting_may_leave = False
        self._waiting: set[str] = set()
        self._heap: list[tuple[float, str]] = []
        self._moments: dict[str, float] = {}

    def expect(self, job_id: str, moment: float, *, is_waiting: bool) -> None:
        """Look at a job again at a monotonic ``moment``, or earlier if it waits for scrapes."""
        if is_waiting:
            self._waiting.add(job_id)
        else:
            self._waiting.discard(job_id)
        if moment < float("inf") and self._moments.get(job_id) != moment:
            self._moments[job_id] = moment
            heappush(self._heap, (moment, job_id))

    def forget(self, job_id: str) -> None:
        """Look at a job no more."""
        self._waiting.discard(job_id)
        self._moments.pop(job_id, None)

    def due(self, now: float) -> list[str]:
        """Hand out the jobs that are to be looked at ``now``, each once."""
        due = {}
        while self._heap and self._heap[0][0] <= now:
            moment, job_id = heappop(self._heap)
            if self._moments.get(job_id) == moment:
                del self._moments[job_id]
                due[job_id] = True
        if self.waiting_may_leave:
            self.waiting_may_leave = False
            due.update(dict.fromkeys(self._waiting, True))
        return list(due)
