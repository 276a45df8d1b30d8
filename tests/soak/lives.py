"""The lives of jobs, each a generator that yields how long its job stays as it is.

The final values of the counters have to follow from the history alone, although it is unknown when
the exporter polls. So numbers only rise. A state after which a number falls, or the job leaves, is
held (``HOLD``) until the exposition shows it, or until it no longer shows the job (``LEFT``).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from tests.soak.living import LivingJob


class Hold(Enum):
    """The type of ``HOLD`` and ``LEFT``."""

    HOLD = "hold"
    LEFT = "left"


HOLD: Final = Hold.HOLD
LEFT: Final = Hold.LEFT
# An ended job whose items do not all end is counted five times within fifteen intervals.
SLOW: Final = frozenset({"late", "unseen", "called_off"})
# One of the five counts of an ended job is still to come after this many seconds.
_COUNTS_BEFORE_LATE_ITEMS = 3


def steady(job: LivingJob) -> Iterator[float | Hold]:
    """Be queued, run, and end, as most jobs do."""
    yield from _queued(job)
    yield from _worked_off(job)
    job.end(_ending(job.random))


def brief(job: LivingJob) -> Iterator[float | Hold]:
    """Begin and end within an interval, or appear already ended."""
    job.add_items(job.random.randint(0, 120), bad_share=_bad_share(job.random))
    if job.random.random() < 0.5:
        job.put("pending")
        yield job.random.uniform(0.01, 0.4)
    job.start()
    job.settle(job.numbers("pending"))
    job.end(_ending(job.random))


def retried(job: LivingJob) -> Iterator[float | Hold]:
    """Fail some items, retry them, and fail fewer, as many or more."""
    # A count of several pages would mix items from before and after a retry.
    yield from _queued(job, many=0)
    job.start()
    for _ in range(job.random.randint(1, 3)):
        pending = job.numbers("pending")
        job.settle(pending[: job.random.randint(0, 8)], "failed")
        job.put("running")
        yield HOLD
        failed = job.numbers("failed")
        job.retry(failed[: job.random.randint(0, len(failed))])
        job.put("running")
        yield job.random.uniform(0.1, 1.5)
    yield from _worked_off(job)
    job.end(_ending(job.random))


def vanishing(job: LivingJob) -> Iterator[float | Hold]:
    """Be removed by LlamaCloud while active; some jobs come back and end."""
    yield from _queued(job)
    job.start()
    pending = job.numbers("pending")
    job.settle(pending[: job.random.randint(0, len(pending))])
    job.put("running")
    yield HOLD
    job.vanish()
    yield HOLD
    if job.random.random() < 0.4:
        job.put("running")
        yield from _worked_off(job)
        job.end(_ending(job.random))


def returning(job: LivingJob) -> Iterator[float | Hold]:
    """End, become active again, and end once more."""
    yield from _queued(job)
    yield from _worked_off(job)
    job.end("failed")
    yield HOLD
    job.retry(job.numbers("failed", "cancelled"))
    job.put(job.random.choice(("pending", "running")))
    yield HOLD
    # The same numbers as before, so that the counts at both ends are the same.
    job.settle(job.numbers("pending"), "completed")
    job.end(job.random.choice(("completed", "failed")))


def late(job: LivingJob, times_counted: Callable[[], int]) -> Iterator[float | Hold]:
    """End while items are still processed; they end a moment later, or never."""
    yield from _queued(job)
    job.start()
    numbers = job.numbers("pending")
    job.process(numbers)
    job.settle(numbers[job.random.randint(0, len(numbers)) :])
    yield from _settled_late(job, times_counted, job.random.uniform(0.0, 0.8))


def unseen(job: LivingJob, times_counted: Callable[[], int]) -> Iterator[float | Hold]:
    """Appear already ended, with items that end seconds later, or never."""
    job.add_items(job.random.randint(1, 40), bad_share=0.4)
    job.start()
    numbers = job.numbers("pending")
    job.process(numbers)
    job.settle(numbers[job.random.randint(0, len(numbers)) :])
    yield from _settled_late(job, times_counted, job.random.uniform(0.2, 7.0))


def relapsing(job: LivingJob) -> Iterator[float | Hold]:
    """End without a failure and leave, and then show failed items after all."""
    job.add_items(job.random.randint(1, 40), bad_share=0.0)
    if job.random.random() < 0.5:
        job.put("pending")
        yield job.random.uniform(0.1, 1.0)
    job.start()
    numbers = job.numbers("pending")
    job.settle(numbers)
    job.end("completed")
    yield LEFT
    job.settle(numbers[: job.random.randint(1, len(numbers))], "failed")
    job.end("completed")


def contradicted(job: LivingJob) -> Iterator[float | Hold]:
    """Run according to the list, while the status still says pending for some seconds."""
    yield from _queued(job, many=0)
    job.start()
    job.contradict(status="pending", started_at=None)
    job.put("running")
    yield job.random.uniform(1.0, 6.0)
    job.contradict()
    yield from _worked_off(job)
    job.end(_ending(job.random))


def called_off(job: LivingJob) -> Iterator[float | Hold]:
    """Be cancelled before the start, with all items pending or cancelled."""
    yield from _queued(job)
    if job.random.random() < 0.5:
        job.settle(job.numbers("pending", "queued"), "cancelled")
    job.end("cancelled")


def large(job: LivingJob) -> Iterator[float | Hold]:
    """Have more items than one page holds, some of them exactly whole pages."""
    number = job.random.choice((1000, 2000, job.random.randint(1001, 5000)))
    job.add_items(number, bad_share=0.02)
    job.start()
    job.put("running")
    yield job.random.uniform(0.5, 1.5)
    yield from _worked_off(job)
    job.end(_ending(job.random))


def under_way(job: LivingJob) -> Iterator[float | Hold]:
    """Begin long before the exporter, so that items ended before it add nothing."""
    job.add_items(job.random.randint(5, 60), bad_share=0.3)
    if job.random.random() < 0.7:
        job.start(ago_seconds=job.random.uniform(60, 80_000))
        numbers = job.numbers("pending")
        job.settle(numbers[: job.random.randint(0, len(numbers))])
        job.put("running")
    else:
        job.put("pending")
    job.history.counts_from = 0
    yield HOLD
    yield from _worked_off(job)
    job.end(_ending(job.random))


def woken(job: LivingJob) -> Iterator[float | Hold]:
    """End days ago, and become active again."""
    job.add_items(job.random.randint(5, 30), bad_share=0.3)
    job.start(ago_seconds=90_000)
    job.settle(job.numbers("pending"))
    job.put("failed", ended_ago_seconds=80_000)
    yield job.random.uniform(2, 5)
    job.retry(job.numbers("failed"))
    job.put("running")
    job.history.counts_from = len(job.history.states) - 1
    yield HOLD
    yield from _worked_off(job)
    job.end("completed")


def over(job: LivingJob) -> Iterator[float | Hold]:
    """Fail shortly before the exporter starts: shown, and never counted."""
    job.history.adds = False
    job.add_items(job.random.randint(1, 20), bad_share=0.5)
    job.start(ago_seconds=100)
    job.settle(job.numbers("pending"))
    job.put("failed", ended_ago_seconds=5.0)
    yield 0.0


def long_over(job: LivingJob) -> Iterator[float | Hold]:
    """End days ago: listed, and never shown or counted."""
    job.history.adds = False
    job.add_items(job.random.randint(0, 3), bad_share=0.3)
    job.start(ago_seconds=90_000)
    job.settle(job.numbers("pending"))
    job.put(_ending(job.random), ended_ago_seconds=80_000)
    yield 0.0


def _queued(job: LivingJob, *, many: int = 400) -> Iterator[float | Hold]:
    random = job.random
    bad_share = _bad_share(random)
    job.add_items(random.choice((0, random.randint(1, 30), random.randint(1, 30))), bad_share=0.0)
    job.put("pending")
    yield random.uniform(0.0, 1.0)
    number = random.randint(0, 60) if random.random() < 0.98 else many
    job.add_items(number, bad_share=bad_share)
    if random.random() < 0.2:
        job.queue(job.numbers("pending")[::2])
    if random.random() < 0.3:
        job.put(random.choice(("dispatched", "throttled")))
        yield random.uniform(0.0, 1.0)
    else:
        job.put("pending")
        yield random.uniform(0.0, 0.5)
    job.retry(job.numbers("queued"))


def _settled_late(
    job: LivingJob, times_counted: Callable[[], int], after_seconds: float
) -> Iterator[float | Hold]:
    """End, and have the remaining items end while a count of the ended job is still to come."""
    status = _ending(job.random)
    before = times_counted()
    job.end(status)
    yield after_seconds
    unsettled = job.numbers("processing")
    counted_again = times_counted() - before <= _COUNTS_BEFORE_LATE_ITEMS
    if unsettled and counted_again and job.random.random() < 0.7:
        job.settle(unsettled)
        job.end(status)


def _worked_off(job: LivingJob) -> Iterator[float | Hold]:
    if job.history.latest.started_at is None:
        job.start()
    waiting = job.numbers("pending", "processing", "queued")
    job.random.shuffle(waiting)
    steps = job.random.randint(1, 6)
    size = -(-len(waiting) // steps) or 1
    for begin in range(0, len(waiting), size):
        job.process(waiting[begin : begin + 2 * size])
        job.settle(waiting[begin : begin + size])
        job.put("running")
        yield job.random.uniform(0.1, 1.2)


def _bad_share(random: Random) -> float:
    return 0.0 if random.random() < 0.75 else random.uniform(0.02, 0.6)


def _ending(random: Random) -> str:
    return random.choices(("completed", "failed", "cancelled"), (90, 5, 5))[0]
