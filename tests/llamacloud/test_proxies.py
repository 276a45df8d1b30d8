"""Which proxy leads to a server, as the environment has it."""

from __future__ import annotations

import pytest

from exporter.llamacloud.errors import BadEnvironmentError
from exporter.llamacloud.no_proxy import NoProxy
from exporter.llamacloud.proxies import Proxies, described

PASSWORD = "sesame-7"
ANY = {"ALL_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("entries", "host", "covered"),
    [
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        ("example.com", "anexample.com", False),
        ("example.com", "example.com.org", False),
        (".example.com", "api.example.com", True),
        (".example.com", "example.com", True),
        ("*.example.com", "api.example.com", True),
        ("EXAMPLE.com.", "Api.Example.COM.", True),
        ("localhost", "localhost", True),
        ("svc", "llamacloud.team.svc", True),
        ("a,b , c\td", "c", True),
        ("a b", "b", True),
        ("https://example.com/", "example.com", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.11", False),
        ("127.0.0.0/8", "127.1.2.3", True),
        ("10.1.2.3/8", "10.9.9.9", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "ten.example.com", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "fe80::1", False),
        ("fd00::/8", "10.0.0.1", False),
        ("::1", "::1", True),
        ("[::1]", "0:0:0:0:0:0:0:1", True),
        ("*", "anything", True),
        ("a, *", "fd12::1", True),
        ("", "anything", False),
        (",, ,", "anything", False),
    ],
)
def test_no_proxy_names_what_is_reached_directly(entries: str, host: str, covered: bool) -> None:  # noqa: FBT001 - a column
    """Names, suffixes, addresses and networks."""
    no_proxy = NoProxy(entries)
    assert (covered, ()) == (no_proxy.covers(host, 443), no_proxy.unreadable)


@pytest.mark.parametrize(
    ("entry", "host"),
    [("h:8443", "a.h"), ("10.0.0.1:8443", "10.0.0.1"), ("[::1]:8443", "::1"), ("*.h:8443", "a.h")],
)
def test_a_port_is_heeded(entry: str, host: str) -> None:
    """Where an entry names one."""
    assert [True, False] == [NoProxy(entry).covers(host, port) for port in (8443, 443)]


@pytest.mark.parametrize(
    "entry",
    [
        "[::1",
        "fd00::/129",
        "10.0.0.0/33",
        "1.2.3.4/5/6",
        "a..b",
        "h:",
        "h:x",
        "h:123456",
        "h/x",
        "\x1b",
    ],
)
def test_what_cannot_be_read_covers_nothing_and_harms_no_other(entry: str) -> None:
    """It is reported if there is a proxy."""
    no_proxy = NoProxy(f"good,{entry},fine")
    assert (entry,) == no_proxy.unreadable
    assert [True, True, False] == [no_proxy.covers(each, 443) for each in ("good", "fine", "other")]


def proxy_url(url: str, **environ: str) -> str | None:
    proxy = Proxies(environ).of(url)
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({}, "https://h", None),
        ({"HTTP_PROXY": "http://p:1"}, "https://h", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://h", "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, "https://h", "http://p:1"),
        ({"HTTPS_PROXY": " https://p \n"}, "HTTPS://h", "https://p"),
        ({"HTTPS_PROXY": "http://p:1", **ANY}, "https://h", "http://p:1"),
        (ANY, "https://h", "http://proxy:3128"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://LARGE:1"}, "https://h", "http://small:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://LARGE:1"}, "https://h", None),
        ({**ANY, "NO_PROXY": "h"}, "https://h", None),
        ({**ANY, "no_proxy": "h:444"}, "https://h:444/x", None),
        ({**ANY, "no_proxy": "h:443"}, "https://h", None),
        ({**ANY, "no_proxy": "h:443"}, "http://h", "http://proxy:3128"),
        ({**ANY, "no_proxy": "::1"}, "http://[::1]:80", None),
        ({"HTTP_PROXY": "http://é.example:1"}, "http://h", "http://é.example:1"),
        # In a CGI script the client sets it; here no client can.
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, "http://h", "http://p:1"),
    ],
)  # fmt: skip
def test_the_proxy_of_a_server(environ: dict[str, str], url: str, expected: str | None) -> None:
    """By its scheme, else that for all."""
    assert expected == proxy_url(url, **environ)


@pytest.mark.parametrize(
    "value",
    [
        f"socks5://user:{PASSWORD}@127.0.0.1:1",
        f"foo://user:{PASSWORD}@127.0.0.1",
        f"http://user:{PASSWORD}/x@127.0.0.1:1",
        "http://h:99999",
        "http://h:0",
        "http://",
        "http://[::1",
        ":3128",
        "http://a..b:3128",
        f"http://{'a' * 64}:3128",
        "http://h o:3128",
    ],
)
def test_a_proxy_that_cannot_be_used_is_reported(value: str) -> None:
    """By its variable, and only where a server needs it."""
    proxies = Proxies({"HTTP_PROXY": value, "NO_PROXY": "direct"})
    assert [None, None] == [proxies.of("http://direct"), proxies.of("https://h")]
    with pytest.raises(BadEnvironmentError) as raised:
        proxies.of("http://h")
    assert "HTTP_PROXY" == raised.value.variables
    assert PASSWORD not in str(raised.value)


def test_entries_that_are_ignored_are_reported() -> None:
    """Where there is a proxy at all: platforms set NO_PROXY everywhere."""
    odd = {"no_proxy": "localhost,[::1,\x1b[31m" + 1000 * "/"}
    assert Proxies(odd).ignored() is None
    assert Proxies(odd | {"HTTPS_PROXY": ""}).ignored() is None
    assert Proxies(ANY | {"NO_PROXY": "localhost,fd00::/8"}).ignored() is None
    reported = Proxies(odd | ANY).ignored()
    assert reported is not None
    assert "no_proxy" == reported.variables
    assert reported.advice.startswith(r"ignored of it: [::1, \x1b[31m///")
    assert len(reported.advice) < 500
    assert reported.advice.isprintable()


def test_a_proxy_is_described_without_its_password() -> None:
    """Nor does it stand in what a traceback may show."""
    proxy = Proxies({"all_proxy": f"http://user:{PASSWORD}@p:3128"}).of("https://[fd00::1]/x")
    assert "[fd00::1]:443 by the proxy p:3128 of all_proxy" == described(
        "https://[fd00::1]/x", proxy
    )
    assert "h:80" == described("http://H", None)
    assert PASSWORD not in repr(proxy)
