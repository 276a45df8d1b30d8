"""Any view that the domain allows, and texts that have broken expositions before."""

from collections.abc import Mapping
from typing import TypeVar

from hypothesis import strategies as st

from exporter.domain import (
    FAILURE_REASONS,
    Counters,
    Histogram,
    ItemStatus,
    JobStatus,
    JobType,
    JobView,
    ProjectGauges,
    ProjectView,
)
from exporter.texts import well_formed

Key = TypeVar("Key")
Value = TypeVar("Value")

HOSTILE_TEXTS = (
    "",
    '"',
    "\\",
    "\\\\n",
    "\n",
    "\r",
    "\r\n",
    "\x00",
    "\x85\u2028",
    " # {} 1",
    ',le="+Inf"} 1 1\n# EOF\n',
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}",
    "\ud800",
    "\\ud800",
    "\udfff\\",
    "LABELS",
)
LARGEST_COUNT = 2**53

any_text = st.text(st.characters(exclude_categories=()), max_size=20)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """Draw a text, one in twenty of them long; made here, for hypothesis writes strategies out."""
    if draw(st.integers(0, 19)) == 7:
        return draw(st.sampled_from(["xyz", '"\\\n', "\ud800\r\x00"])) * 3_500
    return draw(st.sampled_from(HOSTILE_TEXTS) | any_text)


texts = _texts()
counts = st.integers(0, LARGEST_COUNT)
# From the first day that Python knows to the last.
times = st.floats(-62_135_596_800, 253_402_300_799)
job_types = st.sampled_from(JobType)
job_statuses = st.sampled_from(JobStatus)
item_statuses = st.sampled_from(ItemStatus)
failure_reasons = st.sampled_from(FAILURE_REASONS)


def _maybe(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value | None]:
    return st.none() | values


def _mappings(
    keys: st.SearchStrategy[Key], values: st.SearchStrategy[Value]
) -> st.SearchStrategy[Mapping[Key, Value]]:
    return st.dictionaries(keys, values, max_size=4)


_OF_TYPE = {"int | None": _maybe(counts), "float | None": _maybe(times)}
_NUMBERS = {
    name: _OF_TYPE[kind] for name, kind in JobView.__annotations__.items() if kind in _OF_TYPE
}
jobs = st.builds(
    JobView,
    job_id=texts,
    job_type=job_types,
    directory_id=texts,
    configuration_id=texts,
    status=job_statuses,
    item_failures=_maybe(_mappings(failure_reasons, counts)),
    items=_maybe(_mappings(item_statuses, counts)),
    **(_NUMBERS | {"progress_ratio": _maybe(st.floats(0, 1))}),
)

gauges = st.builds(
    ProjectGauges,
    project_id=texts,
    organization_id=texts,
    active_jobs=_mappings(st.tuples(job_types, job_statuses), counts),
    failing_jobs=_mappings(job_types, counts),
    active_items=_maybe(_mappings(item_statuses, counts)),
)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    """Draw buckets of any bounds, not all of them empty."""
    bounds = draw(st.lists(st.floats(1e-9, 1e15), max_size=4, unique=True))
    length = len(bounds) + 1
    filled = draw(st.lists(st.integers(0, 2**40), min_size=length, max_size=length))
    return Histogram(tuple(sorted(bounds)), tuple(filled), draw(st.floats(0, 1e300)))


counters = st.builds(
    Counters,
    jobs_finished=_mappings(st.tuples(job_types, job_statuses), counts),
    items_finished=_mappings(st.tuples(job_types, item_statuses), counts),
    items_failed=_mappings(failure_reasons, counts),
    items_skipped=st.dictionaries(st.tuples(job_types, texts.map(well_formed)), counts, max_size=4),
    queue_duration=_mappings(job_types, histograms()),
    run_duration=_mappings(st.tuples(job_types, job_statuses), histograms()),
    turnaround_duration=_mappings(job_types, histograms()),
    item_duration=_mappings(job_types, histograms()),
)


def _well_formed_id(job: JobView) -> str:
    return well_formed(job.job_id)


# Two names that have the same UTF-8 would be one series.
views = st.builds(
    ProjectView,
    project=texts,
    number=counts,
    counters=counters,
    gauges=_maybe(gauges),
    jobs=st.lists(jobs, max_size=3, unique_by=_well_formed_id).map(tuple),
)
several_views = st.lists(
    views, min_size=1, max_size=2, unique_by=lambda view: well_formed(view.project)
)
