"""Which requests basic authentication accepts, what it costs, and what a storm of log-ins does."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING

import pytest

from exporter.web_config.passwords import Passwords, TooManyChecksError, parse_basic
from tests.support.serving import DEADLINE_SECONDS, wait_until
from tests.support.tls_clients import basic, hash_of, served_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.tls_clients import Served

LONG = "l" * 80
USERS = {"alice": "secret", "long": LONG, "": "empty", "döner": "käse"}
GOOD = basic("alice", "secret")
STORM = 300


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve with some users, and a header."""
    file = tmp_path_factory.mktemp("users") / "web.yml"
    users = "\n".join(f'  "{user}": "{hash_of(word)}"' for user, word in USERS.items())
    headers = "http_server_config: {headers: {X-Frame-Options: deny}}"
    file.write_text(f"basic_auth_users:\n{users}\n{headers}\n")
    with served_with(file) as served:
        yield served


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        (GOOD, 200),
        (GOOD.replace("Basic", "bASIC"), 200),
        (GOOD.replace(" ", "  "), 401),
        (GOOD + "   ", 200),
        (GOOD + "=", 401),
        ("Bearer x", 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        (basic("alice", "wrong"), 401),
        (basic("bob", "secret"), 401),
        (basic("alice", "secret\0"), 401),
        (basic("alice", "x" * 10_000), 401),
        ("Basic YWxpY2U=", 401),
        (basic("", "empty"), 200),
        (basic("döner", "käse"), 200),
        (basic("döner".encode("latin-1"), "käse".encode("latin-1")), 401),
        (basic("long", LONG), 200),
        (basic("long", LONG[:72]), 200),
        (basic("long", LONG[:71]), 401),
        (basic("long", LONG[:72] + "other"), 200),
    ],
)
def test_which_credentials_are_accepted(
    guarded: Served, authorization: str | None, status: int
) -> None:
    """Passwords count by their first 72 bytes, as everywhere with bcrypt."""
    assert status == guarded.request(authorization=authorization).status


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing", "/-/reload", "/-/healthy/", "/%2d"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_every_other_path_is_closed(guarded: Served, path: str, method: str) -> None:
    """Whatever there is, and whether there is anything."""
    answer = guarded.request(path, method=method)

    assert (401, "Basic") == (answer.status, answer.headers["www-authenticate"])
    assert "deny" == answer.headers["x-frame-options"]
    assert b"Unauthorized\n" == answer.body or method == "HEAD"


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "http://x/-/healthy", "/%2d/ready?x"])
def test_health_needs_no_password(guarded: Served, path: str) -> None:
    """Whatever the form of the target, by which the application chooses as well."""
    answer = guarded.request(path)
    assert (200, b"ok\n") == (answer.status, answer.body)
    assert "deny" == answer.headers["x-frame-options"]


def test_of_two_headers_the_first_counts(guarded: Served) -> None:
    """As in Go."""
    good, bad = ("Authorization", GOOD), ("Authorization", basic("alice", "x"))
    assert [200, 401] == [
        guarded.request("/metrics", *pair).status for pair in ((good, bad), (bad, good))
    ]


def test_a_page_keeps_its_own_policy(guarded: Served) -> None:
    """Configured headers are added to those that an answer has."""
    answer = guarded.request("/", authorization=GOOD)
    assert "deny" == answer.headers["x-frame-options"].lower()
    assert "default-src 'none'" in answer.headers["content-security-policy"]


class SlowChecks:
    """Stands for bcrypt: waits until it may go on, and counts."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.checked: list[tuple[bytes, bytes]] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        """Return whether the password is the hash."""
        self.checked.append((password, hashed))
        assert self.may_go_on.wait(20)
        return hashed.endswith(b"$" + password)


async def all_of(*checks: asyncio.Task[bool]) -> list[object]:
    return await asyncio.gather(*checks, return_exceptions=True)


@pytest.mark.parametrize(("clients", "most"), [(STORM, 16), (1, 4)])
def test_only_a_few_wait_for_a_check(clients: int, most: int) -> None:
    """The others are refused at once; requests with the same credentials share one check."""

    async def storm() -> tuple[list[object], int]:
        slow = SlowChecks()
        passwords = Passwords(slow)
        users = {b"alice": b"$2b$04$secret"}

        def check(password: str, client: int = 0) -> asyncio.Task[bool]:
            header = basic("alice", password).encode()
            return asyncio.create_task(passwords.are_right(users, header, str(client % clients)))

        checks = [check("secret") for _ in range(5)] + [check(str(n), n) for n in range(STORM)]
        await asyncio.sleep(0)
        slow.may_go_on.set()
        results = await all_of(*checks)
        # The password is remembered, so that no later request has to hash it again.
        assert await check("secret")
        return results, len(slow.checked)

    results, checked = asyncio.run(storm())
    expected = [True] * 5 + [False] * (most - 1)
    assert expected == results[: len(expected)]
    assert {TooManyChecksError} == {type(result) for result in results[len(expected) :]}
    assert most == checked


@pytest.mark.parametrize("user", ["nobody", "cheap", "expensive"])
def test_a_wrong_password_takes_as_long_as_with_the_highest_cost(user: str) -> None:
    """Whether the user exists, and each time: it is never remembered."""

    async def check_twice() -> list[int]:
        slow = SlowChecks()
        slow.may_go_on.set()
        passwords = Passwords(slow)
        users = {b"cheap": b"$2b$04$" + b"." * 53, b"expensive": b"$2y$11$" + b"." * 53}
        for _ in range(2):
            assert not await passwords.are_right(users, basic(user, "x").encode())
        return [2 ** int(hashed[4:6]) for _, hashed in slow.checked]

    assert 2 * 2**11 == sum(asyncio.run(check_twice()))


def test_no_password_matches_for_an_unknown_user() -> None:
    """It is one that bcrypt accepts."""
    assert not asyncio.run(
        Passwords().are_right({b"a": hash_of("x").encode()}, basic("nobody", "x").encode())
    )


@pytest.mark.parametrize("text", [b"Basic YTpi", b"BASIC YTpi", b"basic YTpi"])
def test_credentials_are_read_as_go_does(text: bytes) -> None:
    """Split at the first colon."""
    assert (b"a", b"b") == parse_basic(text)
    assert (b"a", b"b:c") == parse_basic(basic("a", "b:c").encode())
    assert parse_basic(text + b"!") is None


def test_a_storm_of_log_ins_does_not_disturb_a_scraper(tmp_path: Path) -> None:
    """Some of 300 are refused, some get 503; a user whose password is known does not wait."""
    file = tmp_path / "web.yml"
    # Slow enough for a queue: a check takes some 4 ms.
    file.write_text(f"basic_auth_users: {{alice: '{hash_of('secret', 6)}'}}")
    with served_with(file) as served, ThreadPoolExecutor(STORM // 3) as crowd:
        assert 200 == served.request(authorization=GOOD).status
        storm = [
            crowd.submit(served.request, "/metrics", authorization=basic("alice", f"guess-{n}"))
            for n in range(STORM)
        ]
        seconds = []
        while not all(guess.done() for guess in storm):
            began = time.monotonic()
            assert 200 == served.request(authorization=GOOD).status
            seconds.append(time.monotonic() - began)
        statuses = {guess.result().status for guess in storm}
        wait_until(lambda: served.exporter.connections() == 0)

    assert statuses <= {401, 503}
    assert 401 in statuses
    # Prometheus gives up a scrape after ten seconds.
    assert max(seconds) < 10
    assert median(seconds) < 1


def test_a_storm_from_one_address_leaves_room_for_others(tmp_path: Path) -> None:
    """Prometheus can log in for the first time as well: the exporter may have been restarted."""
    file = tmp_path / "web.yml"
    # Slow enough for the queue to be full all the time: a check takes some 30 ms.
    file.write_text(f"basic_auth_users: {{alice: '{hash_of('secret', 9)}'}}")
    is_over, is_full = threading.Event(), threading.Event()

    def guess(stranger: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            authorization = basic("alice", f"{stranger}-{number}")
            if served.request(authorization=authorization).status == 503:
                is_full.set()

    with served_with(file) as served, ThreadPoolExecutor(20) as crowd:
        strangers = [crowd.submit(guess, number) for number in range(20)]
        try:
            assert is_full.wait(DEADLINE_SECONDS)
            status = status_from("127.0.0.2", served.address)
        finally:
            is_over.set()
        for stranger in strangers:
            stranger.result()
    assert 200 == status


def status_from(client: str, address: str) -> int:
    """Send a request with good credentials from an address of this machine."""
    connection = http.client.HTTPConnection(
        address, timeout=DEADLINE_SECONDS, source_address=(client, 0)
    )
    with closing(connection):
        connection.request("GET", "/metrics", headers={"Authorization": GOOD})
        return connection.getresponse().status
