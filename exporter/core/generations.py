"""Which generations of LlamaCloud's API are requested, and which are set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.core.events import ApiOfferedAgain, ApiSetAside
from exporter.core.final_state import EARLY_BY_INTERVALS, MOST_DOUBLINGS
from exporter.core.history import LEAST_OVERLAP_SECONDS
from exporter.domain import ErrorReason, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.core.events import Event
    from exporter.core.history import History
    from exporter.core.job_table import JobTable
    from exporter.core.observations import Outcome
    from exporter.core.rules import Rules
    from exporter.domain import Listing

_LONG_AGO = float("-inf")
_LONGEST_REST_SECONDS = 300.0
_FULL_AGAIN_AFTER_INTERVALS = 10


@dataclass(slots=True)
class GenerationState:
    """The state of one API generation; moments are monotonic.

    ``set_aside_for`` is the failure for which it is not requested before ``ask_again_at``.
    ``is_first_answer`` is true until its first listing was applied, and again after it was set
    aside. ``is_idle`` is true if its last listing showed no job that is active or changed lately.
    """

    listed_at: float | None = None
    listed_fully_at: float | None = None
    full_again_at: float = _LONG_AGO
    last_answered_at: float | None = None
    began_at: float | None = None
    is_truncated: bool | None = None
    is_first_answer: bool = True
    set_aside_for: Failure | None = None
    failures_in_a_row: int = 0
    ask_again_at: float = _LONG_AGO
    is_idle: bool = False

    @property
    def news_since(self) -> float | None:
        """The Unix time before which nothing is new, even if no listing was complete."""
        return None if self.began_at is None else self.began_at - LEAST_OVERLAP_SECONDS

    def is_stale(self, rules: Rules, now: float) -> bool:
        """Return whether the last listing is too old, or there was none."""
        return self.listed_at is None or now - self.listed_at > rules.stale_after

    def rests(self, rules: Rules, now: float) -> bool:
        """Return whether the next listing can wait: no job is active or changed recently."""
        if self.listed_at is None or self.set_aside_for is not None or not self.is_idle:
            return False
        # The listing may be late, but the generation must not become stale.
        longest = min(_LONGEST_REST_SECONDS, rules.stale_after / 2)
        return now - self.listed_at + rules.interval <= longest

    def wants_full(self, rules: Rules, now: float) -> bool:
        """Return whether the next listing is a full one."""
        if now < self.full_again_at:
            return False
        last = self.listed_fully_at
        return self.is_first_answer or last is None or now - last >= rules.full_listing_every


class Generations:
    """Owns the state of the API generations of a project, in their order.

    A generation that refuses requests is set aside while another one answers, and requested again
    with each full listing. One that never answered is set aside after any failure, and requested
    again after one interval, then two, four and so on.
    """

    def __init__(self, rules: Rules) -> None:
        self._of = {api_version: GenerationState() for api_version in rules.api_versions}

    def __getitem__(self, api_version: str) -> GenerationState:
        """Return the state of one API generation."""
        return self._of[api_version]

    def items(self) -> list[tuple[str, GenerationState]]:
        """Return the API generations with their names."""
        return list(self._of.items())

    def is_offered(self, api_version: str) -> bool:
        """Return whether an API generation is in use."""
        generation = self._of.get(api_version)
        return generation is not None and generation.set_aside_for is None

    def rules_changed(self, rules: Rules, now: float) -> None:
        """Shorten waits for full listings, and for generations set aside, to the new rules."""
        for generation in self._of.values():
            latest_at = now + rules.full_listing_every
            generation.ask_again_at = min(generation.ask_again_at, latest_at)
            generation.full_again_at = min(generation.full_again_at, latest_at)

    def of_next_listing(self, rules: Rules, now: float, *, may_rest: bool = False) -> list[str]:
        """Return the API generations of the next listing.

        With ``may_rest``, because the budget is too small, idle ones are left out, except for one.
        """
        listed = {
            api_version: generation
            for api_version, generation in self._of.items()
            if generation.set_aside_for is None or now >= generation.ask_again_at
        }
        busy = [v for v, of in listed.items() if not (may_rest and of.rests(rules, now))]
        return busy or [min(listed, key=lambda v: listed[v].listed_at or _LONG_AGO)]

    def stale(self, rules: Rules, now: float) -> frozenset[str]:
        """Return the API generations whose last listing is too old, or that have none."""
        return frozenset(v for v, of in self._of.items() if of.is_stale(rules, now))

    def expired(self, table: JobTable, now: float) -> list[str]:
        """Return the API generations that were set aside for so long that their jobs leave."""
        latest_at = {
            api_version: table.newest_answer(api_version) if of.listed_at is None else of.listed_at
            for api_version, of in self._of.items()
            if of.set_aside_for is not None
        }
        return [v for v, at in latest_at.items() if now - at >= table.rules.retention_failed]

    def why_failed(self, outcomes: Mapping[str, Outcome], history: History) -> Failure | None:
        """Return why a listing failed, ``None`` if it succeeded: it does either as a whole.

        A generation that failed in a listing that succeeded is then ``set_aside``.
        """
        failures = {v: outcome for v, outcome in outcomes.items() if isinstance(outcome, Failure)}
        relied_on = history.answered - history.set_aside
        in_use = [failure for api_version, failure in failures.items() if api_version in relied_on]
        lasting = [failure for failure in in_use if not failure.is_refusal]
        if not lasting and len(failures) < len(outcomes):
            return None
        # Do not blame a generation that was already set aside.
        return min(lasting or in_use or failures.values(), key=_rank_of)

    def listing_failed(
        self, failure: Failure, rules: Rules, now: float, *, full: list[str]
    ) -> None:
        """Apply a failed listing, which was ``full`` for some API generations."""
        seconds = min(_FULL_AGAIN_AFTER_INTERVALS * rules.interval, rules.full_listing_every)
        for api_version in full:
            # List less next time, so that one bad page deep in the history does not hide new jobs.
            self._of[api_version].full_again_at = now + seconds
        if not failure.is_refusal:
            return
        for generation in self._of.values():
            # All generations refuse: one that was set aside may be offered by now.
            generation.ask_again_at = _LONG_AGO

    def set_aside(
        self, api_version: str, failure: Failure, table: JobTable, now: float
    ) -> list[Event]:
        """Set an API generation aside that failed, but did not fail the listing."""
        table.unread.drop(api_version)
        table.history.set_aside.add(api_version)
        generation, rules = self._of[api_version], table.rules
        seconds = rules.full_listing_every
        if not failure.is_refusal:
            seconds = min(2**generation.failures_in_a_row * rules.interval, seconds)
        generation.ask_again_at = now + seconds - EARLY_BY_INTERVALS * rules.interval
        generation.failures_in_a_row = min(generation.failures_in_a_row + 1, MOST_DOUBLINGS)
        was_offered, generation.set_aside_for = generation.set_aside_for is None, failure
        generation.is_first_answer = True
        if not was_offered:
            return []
        return [ApiSetAside(api_version, failure, api_version in table.history.answered)]

    def answered(
        self, api_version: str, listing: Listing, began: float, now: float, *, is_over_limit: bool
    ) -> list[Event]:
        """Apply a listing; ``is_over_limit`` if it has more jobs than memory allows."""
        generation = self._of[api_version]
        generation.listed_at, generation.last_answered_at = now, listing.ended_at
        generation.began_at = listing.began_at
        generation.is_first_answer = False
        generation.failures_in_a_row = 0
        # A listing that stops early does not show whether a limit still hides jobs.
        is_truncated = listing.truncated or is_over_limit
        if is_truncated or listing.reached_end:
            generation.is_truncated = is_truncated
        else:
            generation.is_truncated = bool(generation.is_truncated)
        if listing.reached_end:
            generation.listed_fully_at = began
        was_offered, generation.set_aside_for = generation.set_aside_for is None, None
        return [] if was_offered else [ApiOfferedAgain(api_version)]


def _rank_of(failure: Failure) -> tuple[bool, bool]:
    """Rank failures: a refused key first, a refused API generation last."""
    return failure.reason is not ErrorReason.UNAUTHORIZED, failure.is_refusal
