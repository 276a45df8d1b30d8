"""How many clients there is room for."""

import re

import pytest
from reference import page

from exporter.app.running import _FILES_OF_ITS_OWN
from exporter.server import Limits, connections_within


@pytest.mark.parametrize(
    ("open_files", "others", "expected"),
    [(1024, 56, 904), (256, 56, 136), (128, 56, 8), (20, 56, 8)],
)
def test_what_others_need_is_left_to_them(open_files: int, others: int, expected: int) -> None:
    """But some clients are always let in."""
    assert expected == connections_within(open_files, others=others, accepted_at_once=16)


@pytest.mark.parametrize(
    ("possible", "connections", "accepted_at_once"),
    [(1000, 256, 16), (64, 64, 16), (8, 8, 2), (3, 3, 1)],
)
def test_who_comes_at_once_does_not_drive_out_who_came_before(
    possible: int, connections: int, accepted_at_once: int
) -> None:
    """A client is answered some turns after it came."""
    limits = Limits().with_connections(possible)
    assert (connections, accepted_at_once) == (limits.connections, limits.accepted_at_once)


def test_the_documentation_says_how_many_files_all_clients_need() -> None:
    """Beside those of the projects, of which each has its own."""
    limits = Limits()
    words = " ".join(page("operation").split())
    (told,) = re.findall(r"open files is below (\d+) and `api.concurrency` \+ 1 for", words)
    for short in (0, 1):
        assert limits.connections - short == connections_within(
            int(told) - short,
            others=_FILES_OF_ITS_OWN,
            accepted_at_once=limits.accepted_at_once,
        )
