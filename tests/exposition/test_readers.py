"""How many different moments are being read at once."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from exporter.exposition.snapshot import Published, Snapshot
from exporter.web.readers import Readers
from tests.support.views import empty_view


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
        self.snapshot.replace(empty_view(number=self._generations))
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
    """Add readers of four different moments."""
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
