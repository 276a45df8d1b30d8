"""The exposition of given views, letter for letter."""

from dataclasses import replace

from exporter.domain import Histogram, ItemStatus, JobStatus, JobType, ProjectView
from exporter.exposition import FAMILIES, Family, Form
from tests.support.views import NO_COUNTERS, empty_view, join, rendered, sparse_job

A_JOB = """\
# HELP llamacloud_batch_job_info Properties of a batch job that do not change, as labels; always 1.
# TYPE llamacloud_batch_job_info gauge
llamacloud_batch_job_info{api_version="v1beta",configuration_id="",\
directory_id="dir-1",job_id="a",job_type="parse",project="p"} 1.0
# HELP llamacloud_batch_job_status 1 for the status of a batch job, 0 for every other status, \
as of the last poll.
# TYPE llamacloud_batch_job_status gauge
llamacloud_batch_job_status{job_id="a",project="p",status="pending"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="throttled"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="running"} 1.0
llamacloud_batch_job_status{job_id="a",project="p",status="dispatched"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="completed"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="failed"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="cancelled"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="unknown"} 0.0
llamacloud_batch_job_status{job_id="a",project="p",status="gone"} 0.0
# HELP llamacloud_batch_job_total_items Total number of items of a batch job, as of the last poll; \
it can grow while a job starts.
# TYPE llamacloud_batch_job_total_items gauge
llamacloud_batch_job_total_items{job_id="a",project="p"} 1e+06
# HELP llamacloud_batch_job_item_failures Failed items of a batch job by reason, counted item by \
item, as of the last poll that counted them.
# TYPE llamacloud_batch_job_item_failures gauge
llamacloud_batch_job_item_failures{job_id="a",project="p",reason="none"} 1.0
llamacloud_batch_job_item_failures{job_id="a",project="p",reason="timeout"} 2.0
# HELP llamacloud_batch_job_items Items of a batch job by status, counted item by item, \
as of the last poll that counted them.
# TYPE llamacloud_batch_job_items gauge
llamacloud_batch_job_items{item_status="failed",job_id="a",project="p"} 3.0
# HELP llamacloud_batch_job_created_timestamp_seconds Unix time at which a batch job was created, \
as of the last poll.
# TYPE llamacloud_batch_job_created_timestamp_seconds gauge
llamacloud_batch_job_created_timestamp_seconds{job_id="a",project="p"} 1.7900000005e+09
"""

COUNTERS_IN_TEXT = """\
# HELP llamacloud_batch_jobs_finished_total Batch jobs that ended, by final status, as of the last \
poll.
# TYPE llamacloud_batch_jobs_finished_total counter
llamacloud_batch_jobs_finished_total{job_type="parse",project="p",status="gone"} 2.0
# HELP llamacloud_batch_items_failed_total Failed items of batch jobs by reason, counted item by \
item, as of the last poll; each job adds the greatest number that it had for a reason at one \
time.
# TYPE llamacloud_batch_items_failed_total counter
llamacloud_batch_items_failed_total{project="p",reason="other"} 5.0
llamacloud_batch_items_failed_total{project="p",reason="timeout"} 0.0
# HELP llamacloud_batch_run_duration_seconds Time from the start of a batch job to its \
completion, observed once for each job, as of the last poll.
# TYPE llamacloud_batch_run_duration_seconds histogram
llamacloud_batch_run_duration_seconds_bucket{job_type="parse",le="10.0",project="p",\
status="failed"} 1.0
llamacloud_batch_run_duration_seconds_bucket{job_type="parse",le="60.0",project="p",\
status="failed"} 3.0
llamacloud_batch_run_duration_seconds_bucket{job_type="parse",le="+Inf",project="p",\
status="failed"} 4.0
llamacloud_batch_run_duration_seconds_count{job_type="parse",project="p",status="failed"} 4.0
llamacloud_batch_run_duration_seconds_sum{job_type="parse",project="p",status="failed"} 171.5
"""


def _exposition(*views: ProjectView, form: Form = Form.TEXT) -> str:
    return join([rendered(view) for view in views], form).decode()


def test_a_job_is_exposed_with_all_that_is_known_of_it_and_nothing_else() -> None:
    """What LlamaCloud did not say is neither a sample nor a family."""
    job = replace(
        sparse_job("a"),
        directory_id="dir-1",
        status=JobStatus.RUNNING,
        total_items=1_000_000,
        item_failures={"timeout": 2, "none": 1},
        items={ItemStatus.FAILED: 3},
        created_at=1_790_000_000.5,
    )

    assert _exposition(replace(empty_view("p"), jobs=(job,))) == A_JOB


def test_counters_and_histograms_are_exposed_cumulatively() -> None:
    """Buckets add up to the count, and labels are sorted with le among them."""
    counters = replace(
        NO_COUNTERS,
        jobs_finished={(JobType.PARSE, JobStatus.GONE): 2},
        items_failed={"timeout": 0, "other": 5},
        run_duration={(JobType.PARSE, JobStatus.FAILED): Histogram((10, 60), (1, 2, 1), 171.5)},
    )

    assert _exposition(replace(empty_view("p"), counters=counters)) == COUNTERS_IN_TEXT


def test_openmetrics_names_a_counter_without_total_in_its_header_only() -> None:
    """The sample lines of both forms are the same; a counter's HELP and TYPE are not."""
    counters = replace(NO_COUNTERS, jobs_finished={(JobType.PARSE, JobStatus.GONE): 2})
    expected = (
        "# HELP llamacloud_batch_jobs_finished Batch jobs that ended, by final status, as of the"
        " last poll.\n"
        "# TYPE llamacloud_batch_jobs_finished counter\n"
        'llamacloud_batch_jobs_finished_total{job_type="parse",project="p",status="gone"} 2.0\n'
    )

    actual = _exposition(replace(empty_view("p"), counters=counters), form=Form.OPENMETRICS)

    assert actual == expected


def test_projects_share_a_header_and_stand_in_the_order_of_their_names() -> None:
    """However projects were handed over, a family is one block."""
    views = [replace(empty_view(name), jobs=(sparse_job("a"),)) for name in ("b", "a")]
    block = (
        "# TYPE llamacloud_batch_job_total_items gauge\n"
        'llamacloud_batch_job_total_items{job_id="a",project="a"} 0.0\n'
        'llamacloud_batch_job_total_items{job_id="a",project="b"} 0.0\n'
    )

    exposition = _exposition(*views)

    assert block in exposition
    assert exposition == _exposition(*reversed(views))


def test_nothing_is_exposed_of_a_project_that_has_nothing() -> None:
    """A family without samples is left out with its HELP."""
    assert _exposition(empty_view()) == ""


def _is_a_sentence(family: Family) -> bool:
    escaped = {'"', "\\", "\n"} & set(family.help)
    starts_well = family.help[0].isupper() or family.help[0].isdigit()
    return not escaped and starts_well and family.help.endswith(".")


def test_every_help_is_a_sentence_that_no_form_needs_to_escape() -> None:
    """HELP texts are specific sentences, and the same bytes in both forms."""
    assert [family.name for family in FAMILIES if not _is_a_sentence(family)] == []
    assert len({family.help for family in FAMILIES}) == len(FAMILIES)
