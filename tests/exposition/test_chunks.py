"""Unchanged chunks are not rendered again, and the bytes are those of a first rendering."""

from dataclasses import replace

from hypothesis import given, settings

from exporter.domain import JobView, ProjectView
from exporter.exposition import Form, ProjectChunks, render_project
from tests.exposition.strategies import several_views
from tests.support.properties import EFFORT, UNHURRIED
from tests.support.views import empty_view, full_job, join, rendered

MANY = [full_job(f"bjb-{number:08d}") for number in range(3000)]


def _chunks(*jobs: JobView, before: ProjectChunks | None = None) -> ProjectChunks:
    return render_project(replace(empty_view(), jobs=jobs), before)


def _new_slices(after: ProjectChunks, before: ProjectChunks) -> int:
    known = {id(job_slice) for job_slice in before.slices}
    return sum(id(job_slice) not in known for job_slice in after.slices)


@settings(UNHURRIED, max_examples=50 * EFFORT)
@given(views=several_views)
def test_a_view_after_another_is_rendered_as_if_it_was_the_first(views: list[ProjectView]) -> None:
    """Whatever both say."""
    before = None
    for view in views:
        named = replace(view, project="p")
        before = render_project(named, before)
        assert join([before], Form.TEXT) == join([rendered(named)], Form.TEXT)


def test_a_job_that_changes_has_only_its_slice_rendered() -> None:
    """A poll changes a few jobs of thousands."""
    before = _chunks(*MANY)
    changed = [replace(job, failed_items=77) if job is MANY[1500] else job for job in MANY]

    after = _chunks(*changed, before=before)

    assert _new_slices(after, before) == 1
    assert join([after], Form.TEXT) == join([_chunks(*changed)], Form.TEXT)


def test_a_job_that_comes_or_goes_leaves_other_slices_as_they_are() -> None:
    """Of several slices, in whatever place it stands."""
    before = _chunks(*MANY)
    assert len(before.slices) >= len(MANY) / 256
    for jobs in (MANY[:1500] + MANY[1501:], [*MANY[:1500], full_job("new"), *MANY[1500:]]):
        after = _chunks(*jobs, before=before)
        assert _new_slices(after, before) <= len(before.slices) / 2
        assert join([after], Form.TEXT) == join([_chunks(*jobs)], Form.TEXT)
