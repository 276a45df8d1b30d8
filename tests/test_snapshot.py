"""What is published, and what a reader of it may rely on."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from exposition.views import empty_view, full_view, sparse_job

from exporter.exposition import Form, join, render_project
from exporter.snapshot import Published, Readers, Snapshot


@pytest.mark.parametrize("form", Form)
def test_nothing_is_published_at_first(form: Form) -> None:
    """Before the first view there is an empty body and no generation."""
    published = Snapshot().published()

    assert published.body(form) == b""
    assert published.generations == {}


@pytest.mark.parametrize("form", Form)
def test_a_project_is_replaced_as_a_whole_and_others_stay(form: Form) -> None:
    """The newest view of each project is what is published."""
    snapshot = Snapshot()
    snapshot.replace(full_view("a", generation=1))
    snapshot.replace(full_view("b", generation=4))
    newer = replace(empty_view("a", generation=2), jobs=(sparse_job("new"),))
    snapshot.replace(newer)

    published = snapshot.published()

    chunks = [render_project(newer), render_project(full_view("b", generation=4))]
    assert published.body(form) == join(chunks, form)
    assert published.generations == {"a": 2, "b": 4}


def test_what_was_published_does_not_change() -> None:
    """A reader keeps what it was given, also if it reads it late."""
    snapshot = Snapshot()
    snapshot.replace(full_view(generation=1))
    before = snapshot.published()

    snapshot.replace(empty_view(generation=2))

    assert before.body(Form.TEXT) == join([render_project(full_view())], Form.TEXT)
    assert before.generations == {"default": 1}
    assert snapshot.published().body(Form.TEXT) == b""


@pytest.mark.parametrize("form", Form)
def test_bytes_are_made_once_a_change(form: Form) -> None:
    """A second reader gets the very same object, so that a scrape costs no rendering."""
    snapshot = Snapshot()
    snapshot.replace(full_view())

    assert snapshot.published() is snapshot.published()
    assert snapshot.published().body(form) is snapshot.published().body(form)


def test_generations_cannot_be_edited() -> None:
    """What is published is a value."""
    published = Snapshot().published()

    with pytest.raises(TypeError):
        published.generations["a"] = 1  # type: ignore[index]


@pytest.mark.parametrize("form", Form)
def test_the_gzipped_body_is_one_member_that_ends_with_the_tail(form: Form) -> None:
    """Each tail follows the same kept bytes, with a checksum that covers both."""
    snapshot = Snapshot()
    snapshot.replace(full_view())
    published = snapshot.published()

    for tail in (b"first\n", b"", b"second\n" * 1000):
        member = b"".join(published.gzipped(form, tail))
        decompressor = zlib.decompressobj(wbits=31)
        assert decompressor.decompress(member) == published.body(form) + tail
        assert decompressor.eof
        assert decompressor.unused_data == b""
        assert gzip.decompress(member) == published.body(form) + tail


class Hall:
    """Readers who read on until they leave or are cut, while another view comes with each."""

    def __init__(self) -> None:
        self.now = 100.0
        self.snapshot = Snapshot()
        self.readers = Readers(self.snapshot.published, lambda: self.now)
        self.cut: list[int] = []
        self._generations = 0
        self._leaving: dict[int, ExitStack] = {}

    def publish(self) -> Published:
        """Publish another view."""
        self._generations += 1
        self.snapshot.replace(empty_view(generation=self._generations))
        return self.snapshot.published()

    def enter(self, number: int) -> Published:
        """Let a reader begin."""
        published = self.readers.choose()
        self._leaving[number] = ExitStack()
        reading = self.readers.reading(published, lambda: self.cut.append(number))
        self._leaving[number].enter_context(reading)
        return published

    def leave(self, number: int) -> None:
        """Let a reader end."""
        self._leaving.pop(number).close()

    def close(self) -> None:
        """Let all end."""
        for number in list(self._leaving):
            self.leave(number)


@pytest.fixture
def hall() -> Iterator[Hall]:
    """Let in readers of four different moments."""
    hall = Hall()
    for number in range(4):
        newest = hall.publish()
        assert hall.enter(number) is newest
    yield hall
    hall.close()


def test_readers_share_what_is_being_read_when_that_is_much(hall: Hall) -> None:
    """The newest of it, and no one has to go."""
    newest = hall.snapshot.published()
    for number in range(4, 8):
        hall.publish()
        assert hall.enter(number) is newest
    assert [] == hall.cut


def test_a_reader_who_leaves_makes_room_for_what_is_new(hall: Hall) -> None:
    """Unless others read the same."""
    newest = hall.snapshot.published()
    hall.publish()
    assert hall.enter(4) is newest
    hall.leave(3)
    assert hall.readers.choose() is newest
    hall.leave(0)
    assert hall.readers.choose() is hall.snapshot.published()


def test_the_slowest_readers_are_cut_when_they_had_their_time(hall: Hall) -> None:
    """For something new, and counted from the last of them."""
    newest = hall.snapshot.published()
    hall.now += 9.9
    hall.publish()
    assert hall.enter(4) is newest
    assert [] == hall.cut
    hall.now += 0.2
    assert hall.enter(5) is hall.snapshot.published()
    assert [0] == hall.cut
    # What is read now began too long ago as well, but for the two newest.
    for number in (6, 7, 8):
        hall.publish()
        hall.enter(number)
    assert [0, 1, 2] == hall.cut


def test_nobody_is_cut_for_what_is_read_already(hall: Hall) -> None:
    """However long all of them take."""
    hall.now += 1000.0
    assert hall.enter(4) is hall.snapshot.published()
    assert [] == hall.cut
