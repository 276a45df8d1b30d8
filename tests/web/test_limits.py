"""How many clients there is room for."""

import re

import pytest

from exporter.app.running import _FILES_OF_ITS_OWN
from exporter.server import Limits, limits_within
from tests.support.reference import page


@pytest.mark.parametrize(
    ("open_files", "connections", "accepted_at_once"),
    [(1024, 256, 16), (256, 136, 16), (152, 32, 8), (128, 8, 2), (20, 8, 2)],
)
def test_what_others_need_is_left_to_them(
    open_files: int, connections: int, accepted_at_once: int
) -> None:
    """Some clients are always accepted; those that come at once do not replace all others."""
    limits = limits_within(open_files, others=56)
    assert (connections, accepted_at_once) == (limits.connections, limits.accepted_at_once)


def test_the_documentation_says_how_many_files_all_clients_need() -> None:
    """Beside those of the projects, of which each has its own."""
    words = " ".join(page("operation").split())
    (stated,) = re.findall(
        r"open files is less than (\d+) plus \(`api.concurrency` \+ 1\) for", words
    )
    for short in (0, 1):
        limits = limits_within(int(stated) - short, others=_FILES_OF_ITS_OWN)
        assert Limits().connections - short == limits.connections
