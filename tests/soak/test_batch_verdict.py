"""The soak detects faults about batches: in what is published, counted, logged and set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Simulator, World
from tests.soak.batch_truth import (
    GIVEN_UP_WITHIN_SECONDS,
    GIVES_UP_AFTER_SECONDS,
    contradictions_in,
)
from tests.soak.births import seeded
from tests.soak.counter_truth import Happened, too_much_counted, what_happened, wrong_counters
from tests.soak.exposition import Exposition, Reader, series
from tests.soak.gauge_truth import jobs_in_parts, wrong_gauges
from tests.soak.history import (
    API_VERSIONS,
    ITEM_STATUSES,
    JOB_STATUSES,
    JOB_TYPES,
    JobHistory,
)
from tests.soak.job_truth import is_old_and_unread, must_be_shown, wrong_samples
from tests.soak.living_batch import LivingBatch
from tests.soak.log_truth import Log, wrong_contradictions, wrong_lines, wrong_set_aside
from tests.soak.projects import PROJECTS, RETENTION_FAILED_SECONDS, STALE_AFTER_SECONDS
from tests.soak.watching import Watch
from tests.soak.withdrawals import Withdrawals, wrong_offers

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_790_000_000.25
OF_JOB = 'job_id="bat-1",project="invoices"'
OF_TYPE = 'job_type="parse",project="invoices"'


def batch_of(kind: str = "steady", created_at: float = NOW) -> LivingBatch:
    history = JobHistory(
        job_id="bat-1",
        kind=kind,
        project=PROJECTS[0],
        job_type="parse",
        directory_id="dir-1",
        created_at=created_at,
        api_version="v2",
        configuration_id="cfg-1",
    )
    return LivingBatch(World(clock=lambda: NOW), history, seeded(1, "bat-1"))


def mapped_batch() -> LivingBatch:
    """Return a batch of ten mapped files, one of them with an error; two jobs have failed."""
    batch = batch_of()
    batch.add_files(10, bad_share=0.0)
    batch.refuse([9])
    batch.map(batch.unmapped())
    batch.settle([0, 1], "FAILED")
    batch.put("COMPLETED")
    return batch


def finished_batch() -> JobHistory:
    batch = mapped_batch()
    batch.settle(batch.active(), "COMPLETED")
    batch.put("COMPLETED")
    return batch.history


def dispatched_batch() -> JobHistory:
    """Return a batch with a file without outcome, and one whose job is not listed."""
    batch = batch_of("lost")
    batch.add_files(4, bad_share=0.0)
    batch.lose([3])
    batch.map([0, 1])
    batch.settle([0, 1], "COMPLETED")
    batch.put("COMPLETED")
    return batch.history


def samples_of(status: str, **items: int) -> dict[str, float]:
    """Return the samples required for a batch whose items have these statuses."""
    info = 'api_version="v2",configuration_id="cfg-1",directory_id="dir-1",job_type="parse"'
    samples: dict[str, float] = {f"info{{{info},{OF_JOB}}}": 1}
    samples |= {f'status{{status="{s}",{OF_JOB}}}': s == status for s in JOB_STATUSES}
    samples |= {f'items{{item_status="{s}",{OF_JOB}}}': items.get(s, 0) for s in ITEM_STATUSES}
    ended = sum(items.get(s, 0) for s in ("completed", "failed", "cancelled"))
    total, failed = sum(items.values()), items.get("failed", 0)
    numbers = {"total_items": total, "processed_items": ended, "failed_items": failed}
    moments = ("created", "last_progress", "last_refreshed", "items_last_counted")
    single = {f"{moment}_timestamp_seconds": NOW for moment in moments} | numbers
    single["progress_ratio"] = ended / total
    samples |= {f"{name}{{{OF_JOB}}}": value for name, value in single.items()}
    return {f"llamacloud_batch_job_{name}": float(value) for name, value in samples.items()}


def true_samples() -> dict[str, float]:
    """Return the true samples of the finished batch."""
    samples = samples_of("completed", completed=7, failed=3)
    prefix = "llamacloud_batch_job_"
    samples[f"{prefix}completed_timestamp_seconds{{{OF_JOB}}}"] = NOW
    reasons = finished_batch().latest.failure_reasons
    return samples | {
        f'{prefix}item_failures{{{OF_JOB},reason="{r}"}}': float(n) for r, n in reasons.items()
    }


def exposition(samples: dict[str, float], read_at: float = NOW + 1) -> Exposition:
    text = "".join(f"{series} {value!r}\n" for series, value in samples.items())
    return Reader().read(text, read_at=read_at)


def wrong_in(samples: dict[str, float], history: JobHistory | None = None) -> list[str]:
    shown = exposition(samples).jobs["bat-1"]
    return wrong_samples(history or finished_batch(), shown, NOW + 1)


class TestWhatIsPublished:
    """A batch whose last file job has ended."""

    def test_what_is_true_is_not_wrong(self) -> None:
        """Sample by sample, and one beside the other."""
        assert [] == wrong_in(true_samples())
        assert [] == jobs_in_parts(exposition(true_samples()))

    @pytest.mark.parametrize("series", true_samples())
    def test_a_sample_that_is_missing_is_seen(self, series: str) -> None:
        """This holds for every sample."""
        without = {name: value for name, value in true_samples().items() if name != series}
        assert 1 == len(wrong_in(without))

    @pytest.mark.parametrize("series", true_samples())
    def test_a_sample_that_is_wrong_is_seen(self, series: str) -> None:
        """This holds for every sample; times must not lie in the future."""
        assert 1 == len(wrong_in(true_samples() | {series: true_samples()[series] + 2}))

    @pytest.mark.parametrize("name", ["skipped_items", "started_timestamp_seconds"])
    def test_what_v2_does_not_have_is_seen(self, name: str) -> None:
        """It is reported at once, in every scrape."""
        series = f"llamacloud_batch_job_{name}{{{OF_JOB}}}"
        assert 1 == len(wrong_in(true_samples() | {series: 0.0}))
        assert 1 == len(jobs_in_parts(exposition(true_samples() | {series: 0.0})))

    def test_numbers_that_contradict_the_items_are_seen(self) -> None:
        """The true state does not matter, because all numbers are counted from the same items."""
        right = exposition(true_samples()).jobs["bat-1"]
        assert [] == contradictions_in(right)
        for name, value in (
            ("total_items", 11.0),
            ("processed_items", 9.0),
            ("failed_items", 2.0),
            ("progress_ratio", 0.9),
        ):
            assert contradictions_in(right | {(name, ""): value}), name
        none = {key: n for key, n in right.items() if key[0] not in {"items", "item_failures"}}
        assert len(contradictions_in(none)) == 4

    def test_a_batch_that_ended_before_its_last_file_job_is_seen(self) -> None:
        """LlamaCloud reports it as completed, and it is dispatched until then."""
        history = mapped_batch().history
        assert history.latest.failure_reasons["not_mapped"] == 1
        early = samples_of("completed", pending=7, failed=3)
        assert {"status{completed}", "status{dispatched}"} <= {
            line.partition(":")[0] for line in wrong_in(early, history)
        }
        assert 1 == len(jobs_in_parts(exposition(early | _failures(history))))

    def test_missing_results_are_not_made_up(self) -> None:
        """Without results there are no numbers."""
        batch = batch_of()
        batch.shows = frozenset({"COMPLETED"})
        batch.add_files(2, bad_share=0.0)
        batch.put("RUNNING")
        lines = wrong_in(samples_of("running", pending=2), batch.history)
        made_up = {line.partition("{")[0] for line in lines}
        numbers = {"items", "total_items", "processed_items", "failed_items", "progress_ratio"}
        assert numbers == made_up
        none = {
            name: value
            for name, value in samples_of("running", pending=2).items()
            if not name.startswith(tuple(f"llamacloud_batch_job_{n}" for n in numbers))
        }
        assert [] == wrong_in(none, batch.history)
        assert [] == jobs_in_parts(exposition(none))


def _failures(history: JobHistory) -> dict[str, float]:
    return {
        f'llamacloud_batch_job_item_failures{{{OF_JOB},reason="{reason}"}}': float(number)
        for reason, number in history.latest.failure_reasons.items()
    }


class TestMissingResults:
    """Missing results, which are waited for and then given up."""

    def test_it_is_given_up_neither_early_nor_never(self) -> None:
        """After thirty intervals without any change, the batch has completed."""
        waits = samples_of("dispatched", completed=2, pending=1, unknown=1)
        ended = samples_of("completed", completed=2, unknown=2)
        for name, value in (("processed_items", 4.0), ("progress_ratio", 1.0)):
            ended[f"llamacloud_batch_job_{name}{{{OF_JOB}}}"] = value
        ended[f"llamacloud_batch_job_completed_timestamp_seconds{{{OF_JOB}}}"] = NOW
        seen = _watch(history := dispatched_batch())
        assert [] == wrong_in(waits, history)
        (early,) = seen.take(exposition(ended))
        assert early.startswith("given up too early: bat-1")

        seen = _watch(history := dispatched_batch())
        assert [] == seen.take(exposition(ended, NOW + GIVES_UP_AFTER_SECONDS + 1))
        assert "completed" == history.latest.status
        assert [] == wrong_in(ended, history)

        seen = _watch(dispatched_batch())
        assert [] == seen.take(exposition(waits, NOW + GIVEN_UP_WITHIN_SECONDS + 1))
        (late,) = [line for line in seen.differences() if line.startswith("bat-1 ")]
        assert "the outcome of 2 items is missing, but not given up" in late

    def test_a_batch_whose_results_stay_null_is_uncounted_once_it_has_ended(self) -> None:
        """Before that it has nothing to count."""
        batch = batch_of("never_shown")
        batch.shows = frozenset()
        batch.add_files(2, bad_share=0.0)
        batch.put("COMPLETED")
        for status, counted, expected in (
            ("dispatched", 0.0, 0),
            ("completed", 0.0, 1),
            ("completed", 1.0, 0),
        ):
            shown = _without_items(status) | _gauges(uncounted=counted, failing=0)
            if status == "dispatched":
                shown |= _active(status)
            assert expected == len(wrong_gauges(exposition(shown), PROJECTS[:1])), status

    def test_giving_up_must_be_logged_once(self) -> None:
        """No other batch may be logged as given up."""
        history = dispatched_batch()
        assert [] == _given_up(history, 0) == _given_up(history, 1)
        history.give_up()
        assert [1, 0, 1] == [len(_given_up(history, times)) for times in (0, 1, 2)]
        assert 1 == len(_given_up(finished_batch(), 1))


def _without_items(status: str) -> dict[str, float]:
    families = ("info", "status", "created", "last_progress", "last_refreshed")
    return {
        name: value
        for name, value in samples_of(status, pending=2).items()
        if name.startswith(tuple(f"llamacloud_batch_job_{family}" for family in families))
    }


def _given_up(history: JobHistory, times: int) -> list[str]:
    log = Log([record("job.given_up", "warning")] * times, [])
    wrong = wrong_lines(log, {"bat-1": history}, lambda _: False)
    return [line for line in wrong if line.startswith("job.given_up")]


def _watch(history: JobHistory) -> Watch:
    return Watch({"bat-1": history}, lambda _: set())


class TestGauges:
    """The gauges of a project that has batches."""

    def test_what_is_true_is_not_wrong(self) -> None:
        """Of a finished batch nothing is active."""
        assert [] == wrong_gauges(exposition(true_samples() | _gauges()), PROJECTS[:1])

    def test_an_unread_batch_may_be_uncounted_and_no_other(self) -> None:
        """It has no series, so only the gauge counts it."""
        shown = exposition(true_samples() | _gauges(uncounted=2.0))
        assert 1 == len(wrong_gauges(shown, PROJECTS[:1]))
        assert [] == wrong_gauges(shown, PROJECTS[:1], {"invoices": 1})

    @pytest.mark.parametrize("api_version", API_VERSIONS)
    def test_what_is_active_and_stale_is_seen(self, api_version: str) -> None:
        """Its API generation has not answered for long; ended jobs stay."""
        answered_at = NOW - STALE_AFTER_SECONDS - 20
        active = _active("running", completed=1, pending=1)
        shown = samples_of("running", completed=1, pending=1) | _gauges(failing=0) | active
        assert [] == wrong_gauges(exposition(shown), PROJECTS[:1])
        stale = shown | {_answered(api_version): answered_at}
        wrong = wrong_gauges(exposition(stale), PROJECTS[:1])
        if api_version == "v1beta":
            assert [] == wrong
        else:
            assert "invoices: an active job of v2 is shown, which is stale" in wrong
        ended = true_samples() | _gauges(failing=0) | {_answered("v2"): answered_at}
        ended["llamacloud_exporter_uncounted_jobs" + OF_PROJECT] = 0.0
        assert [] == wrong_gauges(exposition(ended), PROJECTS[:1])

    def test_a_job_that_is_tracked_and_not_shown_is_seen(self) -> None:
        """Only active and withdrawn jobs may be tracked without being shown."""
        tracked = "llamacloud_exporter_tracked_jobs" + OF_PROJECT
        shown = true_samples() | _gauges() | {tracked: 2.0}
        assert 1 == len(wrong_gauges(exposition(shown), PROJECTS[:1]))
        stale = {_answered("v1beta"): NOW - STALE_AFTER_SECONDS - 20}
        assert [] == wrong_gauges(exposition(shown | stale), PROJECTS[:1])


OF_PROJECT = '{project="invoices"}'


def _answered(api_version: str) -> str:
    name = "llamacloud_exporter_api_last_answered_timestamp_seconds"
    return f'{name}{{api_version="{api_version}",project="invoices"}}'


def _of_items(status: str) -> str:
    return f'llamacloud_batch_active_items{{item_status="{status}",project="invoices"}}'


def _active(status: str, **items: int) -> dict[str, float]:
    key = f'llamacloud_batch_active_jobs{{{OF_TYPE},status="{status}"}}'
    return {key: 1.0} | {_of_items(s): float(number) for s, number in items.items()}


def _gauges(*, uncounted: float = 0.0, failing: int = 1) -> dict[str, float]:
    """Return the gauges of a project with one job, except those of active jobs."""
    project_id = PROJECTS[0].project_id
    gauges: dict[str, float] = {
        f'llamacloud_batch_project_info{{organization_id="",project="invoices",'
        f'project_id="{project_id}"}}': 1,
        "llamacloud_exporter_tracked_jobs" + OF_PROJECT: 1,
        "llamacloud_exporter_hidden_jobs" + OF_PROJECT: 0,
        "llamacloud_exporter_uncounted_jobs" + OF_PROJECT: uncounted,
        **{_answered(api_version): NOW for api_version in API_VERSIONS},
    }
    return _ZEROS | _failing(failing) | gauges


def _failing(number: int) -> dict[str, float]:
    of = dict.fromkeys(JOB_TYPES, 0.0) | {"parse": float(number)}
    return {
        f'llamacloud_batch_failing_jobs{{job_type="{t}",project="invoices"}}': n
        for t, n in of.items()
    }


_ZEROS: dict[str, float] = {_of_items(status): 0.0 for status in ITEM_STATUSES} | {
    f'llamacloud_batch_active_jobs{{job_type="{job_type}",project="invoices",status="{status}"}}': 0
    for job_type in JOB_TYPES
    for status in ("pending", "throttled", "running", "dispatched", "unknown")
}


class TestCounters:
    """Nothing counts twice, and what ended before the exporter does not count."""

    def test_a_file_that_was_missed_or_counted_twice_is_seen(self) -> None:
        """Only counting shows it."""
        history = finished_batch()
        assert [] == _wrong_counters(history, completed=7, failed=3)
        for completed, failed in ((6, 3), (8, 3), (7, 2), (7, 4)):
            wrong = _wrong_counters(history, completed=completed, failed=failed)
            assert 1 == len(wrong), (completed, failed)
        assert [] == _wrong_counters(history, counted=False, completed=0, failed=0)

    def test_an_end_that_is_counted_early_is_seen(self) -> None:
        """The batch is only mapped, and has not ended."""
        happened = what_happened([mapped_batch().history], lambda _: False)
        finished = f'llamacloud_batch_jobs_finished_total{{{OF_TYPE},status="completed"}}'
        assert 1 == len(too_much_counted(happened, exposition({finished: 1.0})))

    @pytest.mark.parametrize("was_mapped", [True, False])
    def test_what_ended_before_the_exporter_is_no_news(self, was_mapped: bool) -> None:  # noqa: FBT001 - pytest passes it
        """A mapping error counts, unless the batch was mapped by then."""
        batch = batch_of("under_way", created_at=NOW - 1000)
        batch.counts_since, batch.was_mapped_before = NOW, was_mapped
        batch.add_files(6, bad_share=0.0)
        batch.refuse([5])
        batch.map(batch.unmapped(), ago_seconds=100)
        batch.settle([0, 1], "COMPLETED", ago_seconds=50)
        batch.put("COMPLETED")
        batch.settle(batch.active(), "COMPLETED")
        batch.put("COMPLETED")
        failed = 0 if was_mapped else 1
        assert [] == _wrong_counters(batch.history, completed=3, failed=failed)
        assert 1 == len(_wrong_counters(batch.history, completed=5, failed=failed))
        assert 1 == len(_wrong_counters(batch.history, completed=3, failed=1 - failed))

    def test_an_end_that_could_not_be_seen_may_be_counted_or_not(self) -> None:
        """The batch was unread, and its results stay null until they are given up."""
        batch = batch_of("never_shown")
        batch.shows = frozenset()
        batch.put("COMPLETED")
        assert 1 == len(_wrong_counters(batch.history, completed=0, failed=0))
        assert must_be_shown(batch.history, NOW + 1)
        batch.history.is_unread = True
        assert [] == _wrong_counters(batch.history, completed=0, failed=0)
        assert not must_be_shown(batch.history, NOW + 1)

    def test_one_that_could_not_be_read_until_it_was_old_may_add_nothing(self) -> None:
        """Only a batch that was unread is past."""
        history = finished_batch()
        logged = Log([record("job.ended", "info", status="completed")], [])
        for is_unread, seconds, is_old in (
            (True, RETENTION_FAILED_SECONDS - 1, False),
            (True, RETENTION_FAILED_SECONDS, True),
            (False, RETENTION_FAILED_SECONDS, False),
        ):
            history.is_unread = is_unread
            assert is_old == is_old_and_unread(history, NOW + seconds)
        happened = what_happened([history], lambda _: False)
        assert 1 == len(_wrong_ends_counted(happened))
        assert 1 == len(wrong_lines(Log([], []), {"bat-1": history}, lambda _: False))
        history.may_be_past = True
        happened = what_happened([history], lambda _: False)
        assert [] == _wrong_ends_counted(happened)
        assert not must_be_shown(history, NOW + RETENTION_FAILED_SECONDS)
        for log in (logged, Log([], [])):
            assert [] == wrong_lines(log, {"bat-1": history}, lambda _: False)


def test_an_exporter_that_was_killed_may_have_forgotten_when_file_jobs_ended() -> None:
    """The number of turnarounds is certain, their durations are not."""
    name = "llamacloud_batch_turnaround_duration_seconds"
    happened = what_happened([], lambda _: True)
    happened.certain_seconds[series(name, project="invoices", job_type="parse")] = [12.0]

    def wrong(*, forgot: bool, number: float = 1.0) -> list[str]:
        samples = {f"{name}_sum{{{OF_TYPE}}}": 8.0, f"{name}_count{{{OF_TYPE}}}": number}
        samples |= {f'{name}_bucket{{{OF_TYPE},le="10.0"}}': 1.0}
        samples |= {f'{name}_bucket{{{OF_TYPE},le="+Inf"}}': number}
        found = wrong_counters(happened, exposition(samples), ["invoices"], forgot_file_jobs=forgot)
        return [line.partition("{")[0].removeprefix(name) for line in found if name in line]

    assert ["_sum", "_bucket"] == wrong(forgot=False)
    assert [] == wrong(forgot=True)
    assert ["_count", "_bucket"] == wrong(forgot=True, number=2.0)


def _wrong_ends_counted(happened: Happened) -> list[str]:
    """Compare counters that contain no end at all."""
    wrong = wrong_counters(happened, exposition({}), ["invoices"])
    return [line for line in wrong if "jobs_finished" in line]


def _wrong_counters(
    history: JobHistory, *, completed: int, failed: int, counted: bool = True
) -> list[str]:
    """Compare counters with one batch that has ended, but for durations and reasons."""
    samples = {
        f'llamacloud_batch_items_finished_total{{{OF_TYPE},item_status="{status}"}}': float(number)
        for status, number in {"completed": completed, "failed": failed}.items()
    }
    samples[f'llamacloud_batch_jobs_finished_total{{{OF_TYPE},status="completed"}}'] = 1.0
    happened = what_happened([history], lambda _: counted)
    wrong = wrong_counters(happened, exposition(samples), ["invoices"])
    return [line for line in wrong if "_seconds" not in line and "items_failed" not in line]


def record(event: str, level: str, **facts: Any) -> dict[str, Any]:
    facts = {"project": "invoices", "job_id": "bat-1", "api_version": "v2", **facts}
    return {"event": event, "level": level, **facts}


class TestLog:
    """The log lines about batches and API generations."""

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda records: records.append(records[0]),
            lambda records: records.pop(0),
            lambda records: records.pop(),
            lambda records: records.append(records[-1]),
        ],
    )
    def test_an_end_or_a_failure_that_is_missing_or_logged_twice_is_seen(
        self, spoil: Callable[[list[Any]], object]
    ) -> None:
        """A file is logged with the id of its directory's file."""
        history = finished_batch()
        logged = [record("job.ended", "warning", status="completed")]
        ids = sorted(history.latest.failed_ids)
        logged += [record("item.failed", "warning", item_id=item_id) for item_id in ids]
        assert [] == wrong_lines(Log(logged, []), {"bat-1": history}, lambda _: True)
        spoil(logged)
        assert 1 == len(wrong_lines(Log(logged, []), {"bat-1": history}, lambda _: True))

    def test_an_end_may_be_logged_again_if_an_older_answer_came_later(self) -> None:
        """This is allowed once for v1beta jobs; a batch that has completed stays so."""
        history = finished_batch()
        ended = record("job.ended", "warning", status="completed")
        for api_version, expected in (("v1beta", 0), ("v2", 1)):
            changed = record(
                "job.status_changed", "info", before="completed", api_version=api_version
            )
            log = Log([ended, changed, ended], [])
            wrong = wrong_lines(log, {"bat-1": history}, lambda _: False)
            assert expected == len(wrong), api_version

    def test_a_batch_contradicts_nothing_but_an_odd_row(self) -> None:
        """Only v1beta reports a job in two ways that may differ."""
        line, histories = record("job.contradicted", "warning"), {"bat-1": finished_batch()}
        assert 1 == len(wrong_contradictions(Log([line], []), histories, lambda _: set()))
        assert [] == wrong_contradictions(Log([line], []), histories, lambda _: {"status"})

    def test_a_generation_that_is_set_aside_wrongly_is_seen(self) -> None:
        """It was set aside more often than it was refused, twice in a row, or for ever."""
        aside, back = record("api.set_aside", "warning"), record("api.offered_again", "info")
        refused = {("invoices", "v2"): 1}
        assert [] == wrong_set_aside(Log([aside, back], []), refused)
        assert 1 == len(wrong_set_aside(Log([aside, back], []), {}))
        assert 1 == len(wrong_set_aside(Log([aside, back] * 2, []), refused))
        assert 1 == len(wrong_set_aside(Log([back], []), refused))
        assert 1 == len(wrong_set_aside(Log([aside], []), refused))
        first = record("api.set_aside", "info")
        assert [] == wrong_set_aside(Log([first, back], []), {})
        assert 1 == len(wrong_set_aside(Log([first, back, first, back], []), {}))


class TestWithdrawals:
    """An API generation that vanishes and returns."""

    def test_the_first_one_comes_at_once_and_is_over_soon(self) -> None:
        """A short soak then sees both; later ones last until data is stale."""
        simulator = Simulator(World(clock=lambda: NOW))
        longest = 0.0
        for seed in range(20):
            withdrawals = Withdrawals(simulator, seed)
            vanished_at = returned_at = None
            for step in range(1200):
                withdrawals.advance(step / 10)
                assert withdrawals.since.keys() == simulator.withdrawn.keys()
                if withdrawals.since and vanished_at is None:
                    vanished_at = step / 10
                if not withdrawals.since and vanished_at is not None:
                    returned_at = returned_at or step / 10
                    longest = max(longest, step / 10 - vanished_at)
                    vanished_at = None
            assert returned_at is not None
            assert returned_at < 4
            withdrawals.clear()
            assert {} == simulator.withdrawn
        assert longest > STALE_AFTER_SECONDS

    def test_what_is_offered_though_it_vanished_is_seen(self) -> None:
        """It is reported once a listing that began later has ended, or an answer came later."""
        of = 'api_version="v2",project="invoices"'
        offered = f"llamacloud_exporter_api_offered{{{of}}}"
        listed = "llamacloud_exporter_last_listing_timestamp_seconds" + OF_PROJECT
        since = {"v2": NOW}
        for at, shown, expected in ((5, 1.0, 0), (10, 1.0, 1), (10, 0.0, 0)):
            scraped = exposition({offered: shown, listed: NOW + at, _answered("v2"): NOW})
            assert expected == len(wrong_offers(scraped, since)), (at, shown)
        scraped = exposition({offered: 0.0, listed: NOW + 10, _answered("v2"): NOW + 5})
        assert 1 == len(wrong_offers(scraped, since))
        assert [] == wrong_offers(scraped, {})


def test_a_batch_that_is_withdrawn_has_not_left() -> None:
    """It will be shown again, so LlamaCloud must not remove it. An ended one has left."""
    for status, left in (("running", 0), ("completed", 1)):
        seen = _watch(finished_batch())
        seen.take(exposition(samples_of(status, completed=10)))
        seen.take(exposition({}))
        assert left == len(seen.just_left()), status
