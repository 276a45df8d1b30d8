"""What is published, and what a reader of it may rely on."""

import gzip
import zlib
from dataclasses import replace

import pytest

from exporter.domain import ProjectView
from exporter.exposition import Form
from exporter.exposition.snapshot import Snapshot
from tests.support.views import empty_view, full_view, join, rendered, sparse_job


def _published(*views: ProjectView) -> Snapshot:
    snapshot = Snapshot()
    for view in views:
        snapshot.replace(view)
    return snapshot


@pytest.mark.parametrize("form", Form)
def test_nothing_is_published_at_first(form: Form) -> None:
    """Before the first view there is an empty body and no view."""
    published = Snapshot().published()

    assert b"".join(published.lines(form)) == b""
    assert published.view_numbers == {}


@pytest.mark.parametrize("form", Form)
def test_a_project_is_replaced_as_a_whole_and_others_stay(form: Form) -> None:
    """The newest view of each project is what is published."""
    snapshot = Snapshot()
    snapshot.replace(full_view("a", number=1))
    snapshot.replace(full_view("b", number=4))
    newer = replace(empty_view("a", number=2), jobs=(sparse_job("new"),))
    snapshot.replace(newer)

    published = snapshot.published()

    chunks = [rendered(newer), rendered(full_view("b", number=4))]
    assert b"".join(published.lines(form)) == join(chunks, form)
    assert published.view_numbers == {"a": 2, "b": 4}


def test_what_was_published_does_not_change() -> None:
    """A late reader still gets the same bytes."""
    snapshot = Snapshot()
    snapshot.replace(full_view(number=1))
    before = snapshot.published()

    snapshot.replace(empty_view(number=2))

    assert b"".join(before.lines(Form.TEXT)) == join([rendered(full_view())], Form.TEXT)
    assert before.view_numbers == {"default": 1}
    assert b"".join(snapshot.published().lines(Form.TEXT)) == b""


@pytest.mark.parametrize("form", Form)
def test_bytes_are_compressed_once_a_change(form: Form) -> None:
    """A second reader gets the very same object, so that a scrape costs no compressing."""
    snapshot = _published(full_view())

    assert snapshot.published() is snapshot.published()
    first, second = (snapshot.published().gzipped(form, tail)[0] for tail in (b"a", b"b"))
    assert first is second


def test_what_was_requested_compressed_is_ready_at_the_next_change() -> None:
    """In that form: nothing is left to do when the next scrape comes."""
    snapshot = _published(full_view())
    snapshot.published().gzipped(Form.OPENMETRICS, b"")
    snapshot.replace(full_view(number=2))

    published = snapshot.published()

    assert published.view_numbers == {"default": 2}
    assert published.forms_gzipped == (Form.OPENMETRICS,)


def test_generations_cannot_be_edited() -> None:
    """What is published is a value."""
    published = Snapshot().published()

    with pytest.raises(TypeError):
        published.view_numbers["a"] = 1  # type: ignore[index]


@pytest.mark.parametrize("form", Form)
def test_the_gzipped_body_is_one_member_that_ends_with_the_tail(form: Form) -> None:
    """Each tail follows the same kept bytes, with a checksum that covers both."""
    snapshot = Snapshot()
    snapshot.replace(full_view())
    published = snapshot.published()

    for tail in (b"first\n", b"", b"second\n" * 1000):
        member = b"".join(published.gzipped(form, tail))
        decompressor = zlib.decompressobj(wbits=31)
        assert decompressor.decompress(member) == b"".join(published.lines(form)) + tail
        assert decompressor.eof
        assert decompressor.unused_data == b""
        assert gzip.decompress(member) == b"".join(published.lines(form)) + tail


@pytest.mark.parametrize("form", Form)
def test_projects_come_and_go_at_the_same_moment(form: Form) -> None:
    """No scrape shows a project that is renamed twice, or not at all."""
    snapshot = _published(full_view("a"), full_view("b"))
    rendered_before = snapshot.published()
    snapshot.replace(full_view("c"), full_view("d"), without=("a",))
    assert {"b", "c", "d"} == set(snapshot.published().view_numbers)
    alone = _published(full_view("b"), full_view("c"), full_view("d")).published()
    assert alone.lines(form) == snapshot.published().lines(form)
    assert {"a", "b"} == set(rendered_before.view_numbers)
