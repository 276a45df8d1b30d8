"""The lives of v2 batches, each a generator that yields how long its batch stays as it is.

As in the lives of v1beta jobs, numbers only rise. A state after which a number falls, the batch is
removed, or its results are null again is held until the exposition shows it. The exporter waits
thirty intervals for results that never appear, as in ``SLOW`` lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.soak.batch_states import ALL_STATUSES, UNKNOWN_STATUS
from tests.soak.lives import HOLD, Hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.soak.living_batch import LivingBatch

SLOW: Final = frozenset({"lost", "never_mapped", "mapped_late", "never_shown"})
# Well before the exporter gives up waiting for missing results.
_NOT_GIVEN_UP_WITHIN_SECONDS: Final = 20.0


def steady(batch: LivingBatch) -> Iterator[float | Hold]:
    """Wait, be mapped, and have the last file jobs end after that, as most batches do."""
    yield from _mapped(batch, _size(batch.random))
    yield from _worked_off(batch, "COMPLETED")


def large(batch: LivingBatch) -> Iterator[float | Hold]:
    """Have more files than one request can name."""
    yield from _mapped(batch, batch.random.choice((100, 200, batch.random.randint(101, 250))))
    yield from _worked_off(batch, "COMPLETED")


def brief(batch: LivingBatch) -> Iterator[float | Hold]:
    """Appear already mapped, and perhaps ended."""
    batch.add_files(_size(batch.random), bad_share=_bad_share(batch.random))
    _map_some(batch, len(batch.unmapped()))
    if batch.random.random() < 0.5:
        batch.put("COMPLETED")
        yield batch.random.uniform(0.1, 2.0)
        yield from _worked_off(batch, "COMPLETED")
    else:
        batch.settle(batch.active())
        batch.put("COMPLETED")


def failed(batch: LivingBatch) -> Iterator[float | Hold]:
    """Fail during mapping, while the existing file jobs continue."""
    yield from _mapped(batch, _size(batch.random), share=0.7)
    if "RUNNING" in batch.shows and "FAILED" not in batch.shows:
        yield HOLD
        batch.remember()
    batch.put("FAILED")
    yield batch.random.uniform(0.0, 1.0)
    yield from _worked_off(batch, "FAILED")


def cancelled(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be cancelled, with the existing file jobs or while they continue."""
    yield from _mapped(batch, _size(batch.random), share=0.7)
    if batch.random.random() < 0.5:
        batch.settle(batch.numbers("PENDING", "THROTTLED"), "CANCELLED")
    batch.put("CANCELLED")
    yield batch.random.uniform(0.0, 1.0)
    yield from _worked_off(batch, "CANCELLED")


def vanishing(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be removed by LlamaCloud while active; some batches come back and end."""
    yield from _mapped(batch, _size(batch.random))
    batch.put(batch.random.choice(("RUNNING", "COMPLETED")))
    if batch.history.latest.status == "completed":
        return
    yield HOLD
    batch.vanish()
    yield HOLD
    if batch.random.random() < 0.4:
        batch.put("RUNNING")
        yield HOLD
        yield from _worked_off(batch, "COMPLETED")


def retried(batch: LivingBatch) -> Iterator[float | Hold]:
    """Have failed files processed by new jobs, while it runs or after it was mapped."""
    batch.shows = ALL_STATUSES
    # A count of several requests would mix files from before and after a retry.
    yield from _mapped(batch, batch.random.randint(3, 20))
    running = batch.active()
    if len(running) < 2:
        yield from _worked_off(batch, "COMPLETED")
        return
    again = running[: batch.random.randint(1, len(running) - 1)]
    batch.settle(again, "FAILED")
    status = batch.random.choice(("RUNNING", "COMPLETED"))
    batch.put(status)
    yield HOLD
    batch.map(again)
    if status == "COMPLETED":
        # Its results are read again once all has ended, and not before.
        batch.settle(batch.active(), "COMPLETED")
        batch.put("COMPLETED")
        return
    batch.put("RUNNING")
    # Results from before the retry would be counted with file jobs that failed after it.
    yield HOLD
    yield from _worked_off(batch, "COMPLETED")


def lost(batch: LivingBatch) -> Iterator[float | Hold]:
    """Refer to some file jobs that are not listed, while the others end."""
    batch.add_files(batch.random.randint(2, 12), bad_share=0.2)
    unmapped = batch.unmapped()
    batch.lose(unmapped[: batch.random.randint(1, 3)])
    batch.map(batch.unmapped())
    batch.put("RUNNING")
    yield batch.random.uniform(0.1, 1.0)
    status = batch.random.choice(("COMPLETED", "COMPLETED", "CANCELLED"))
    batch.put(status)
    yield from _worked_off(batch, status)


def never_mapped(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be mapped, with files that have neither a job nor an error."""
    batch.add_files(batch.random.randint(2, 12), bad_share=0.2)
    batch.map(batch.unmapped()[batch.random.randint(1, 2) :])
    batch.put("RUNNING")
    yield batch.random.uniform(0.1, 1.0)
    yield from _worked_off(batch, "COMPLETED")


def mapped_late(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be mapped, with files that get their jobs only later."""
    batch.add_files(batch.random.randint(2, 12), bad_share=0.2)
    batch.map(batch.unmapped()[: batch.random.randint(0, 1)])
    batch.settle(batch.active())
    batch.put("COMPLETED")
    put_at = batch.now
    yield HOLD
    if batch.now - put_at < _NOT_GIVEN_UP_WITHIN_SECONDS:
        batch.map(batch.unmapped())
        batch.settle(batch.active())
        batch.put("COMPLETED")


def never_shown(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be mapped, with results that stay null."""
    batch.shows = frozenset()
    yield from _mapped(batch, batch.random.randint(1, 12))
    batch.put("COMPLETED")


def under_way(batch: LivingBatch) -> Iterator[float | Hold]:
    """Begin long before the exporter: file jobs that ended before it add nothing."""
    random = batch.random
    batch.counts_since = batch.now
    batch.add_files(random.randint(5, 60), bad_share=0.3)
    status = random.choice(("PENDING", "THROTTLED", "RUNNING", "RUNNING", "RUNNING"))
    if status == "RUNNING":
        unmapped = batch.unmapped()
        refused = unmapped[: random.randint(0, 2)]
        batch.refuse(refused)
        mapped = batch.unmapped()[: random.randint(0, len(unmapped))]
        batch.map(mapped, ago_seconds=random.uniform(60, 80_000))
        ended = mapped[: random.randint(0, len(mapped))]
        batch.settle(ended, ago_seconds=random.uniform(10, 60))
    batch.put(status, updated_ago_seconds=random.uniform(60, 80_000))
    yield HOLD
    _map_some(batch, len(batch.unmapped()))
    batch.put("RUNNING")
    yield random.uniform(0.1, 1.0)
    if random.random() < 0.5:
        yield from _worked_off(batch, "RUNNING")
        batch.put("COMPLETED")
    else:
        yield from _worked_off(batch, "COMPLETED")


def mapped_before(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be mapped before the exporter starts, while file jobs continue."""
    random = batch.random
    batch.counts_since = batch.now
    batch.was_mapped_before = True
    batch.add_files(random.randint(2, 40), bad_share=0.3)
    batch.refuse(batch.unmapped()[: random.randint(0, 1)])
    mapped = batch.unmapped()
    batch.map(mapped, ago_seconds=random.uniform(60, 80_000))
    batch.settle(mapped[: random.randint(0, len(mapped) - 1)], ago_seconds=random.uniform(10, 60))
    # File jobs last updated before retention.failed are past.
    batch.put("COMPLETED", updated_ago_seconds=random.uniform(0, 15))
    if random.random() < 0.5:
        yield HOLD
    else:
        yield random.uniform(0.0, 2.0)
    yield from _worked_off(batch, "COMPLETED")


def over(batch: LivingBatch) -> Iterator[float | Hold]:
    """End shortly before the exporter starts, most with failures: shown, never counted."""
    batch.history.adds = False
    batch.add_files(batch.random.randint(1, 20), bad_share=0.5)
    batch.map(batch.unmapped(), ago_seconds=100)
    batch.settle(batch.active(), ago_seconds=5.0)
    batch.put("COMPLETED", updated_ago_seconds=batch.random.uniform(5, 20))
    yield 0.0


def long_over(batch: LivingBatch) -> Iterator[float | Hold]:
    """Be mapped days ago: listed, and never read, whether file jobs continue or not."""
    batch.history.adds = False
    batch.add_files(batch.random.randint(0, 3), bad_share=0.3)
    batch.map(batch.unmapped(), ago_seconds=90_000)
    if batch.random.random() < 0.9:
        batch.settle(batch.active(), ago_seconds=80_000)
    batch.put("COMPLETED", updated_ago_seconds=80_000)
    yield 0.0


def _mapped(batch: LivingBatch, size: int, *, share: float = 1.0) -> Iterator[float | Hold]:
    """Wait, and have about a ``share`` of its files mapped in one step or more."""
    random = batch.random
    batch.add_files(size, bad_share=_bad_share(random))
    batch.put("PENDING")
    yield random.uniform(0.0, 1.0)
    if random.random() < 0.3:
        batch.put(random.choice(("THROTTLED", "THROTTLED", UNKNOWN_STATUS)))
        yield random.uniform(0.0, 1.0)
    steps = random.randint(1, 3)
    for _ in range(steps):
        _map_some(batch, max(1, round(size * share / steps)))
        batch.move(batch.numbers("PENDING", "THROTTLED")[::2], "RUNNING")
        batch.settle(batch.numbers("RUNNING")[::3])
        batch.put("RUNNING")
        yield random.uniform(0.1, 1.0)
    if share == 1.0:
        _map_some(batch, size)
        batch.put("RUNNING")
        yield random.uniform(0.0, 0.3)


def _map_some(batch: LivingBatch, number: int) -> None:
    """Map some unmapped files, a few of them to an error."""
    unmapped = batch.unmapped()[:number]
    refused = [n for n in unmapped if batch.random.random() < 0.03]
    batch.refuse(refused)
    mapped = [n for n in unmapped if n not in refused]
    batch.map(mapped)
    if batch.random.random() < 0.1:
        batch.move(mapped[::3], "PAUSED")


def _worked_off(batch: LivingBatch, status: str) -> Iterator[float | Hold]:
    """End all file jobs, while the batch is in a status from the next step on."""
    waiting = batch.active()
    batch.random.shuffle(waiting)
    steps = batch.random.randint(1, 6)
    size = -(-len(waiting) // steps) or 1
    for begin in range(0, len(waiting), size):
        batch.move(waiting[begin : begin + 2 * size], "RUNNING")
        batch.settle(waiting[begin : begin + size])
        batch.put(status)
        if begin + size < len(waiting):
            yield batch.random.uniform(0.1, 1.2)
    if batch.status != status:
        batch.put(status)


def _size(random: Random) -> int:
    return random.randint(1, 30) if random.random() < 0.8 else random.randint(31, 90)


def _bad_share(random: Random) -> float:
    return 0.0 if random.random() < 0.75 else random.uniform(0.02, 0.6)
