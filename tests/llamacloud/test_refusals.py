"""What a refusal is blamed on: the key only where LlamaCloud itself refuses it."""

import json

import pytest

from exporter.domain import ErrorReason
from exporter.llamacloud.errors import (
    CapReached,
    Forbidden,
    GatewayRefused,
    NotFound,
    PaymentRequired,
    RateLimited,
    StatusRefused,
    Unauthorized,
    Unprocessable,
)
from exporter.llamacloud.refusals import refusal
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import Fault
from tests.support.clients import KeyInFile, Observer, client_of, plenty
from tests.support.cloud import KEY, Cloud

pytestmark = pytest.mark.anyio

BY_LLAMACLOUD = {401: Unauthorized, 402: PaymentRequired, 403: Forbidden, 404: NotFound}
NOT_ITS_WORDS = (
    b"",
    b"<html><h1>401 Authorization Required</h1></html>",
    b'{"error": "invalid token"}',
    b'{"detail": null}',
    b'["detail"]',
)


def refused(code: int, body: bytes = b"") -> StatusRefused:
    return refusal(code, {}, body, answered_at=0.0)


def stating(detail: object) -> bytes:
    return json.dumps({"detail": detail}).encode()


@pytest.mark.parametrize("code", BY_LLAMACLOUD)
def test_a_refusal_in_llamaclouds_words_is_its_own(code: int) -> None:
    """Its error bodies are JSON with a ``detail``."""
    error = refused(code, stating("Not authenticated"))
    assert (BY_LLAMACLOUD[code], f"HTTP {code}: Not authenticated") == (type(error), str(error))
    assert ErrorReason.BAD_RESPONSE is not error.failure().reason


@pytest.mark.parametrize("body", NOT_ITS_WORDS, ids=range(len(NOT_ITS_WORDS)))
@pytest.mark.parametrize("code", [*BY_LLAMACLOUD, 422, 301, 304, 407])
def test_a_refusal_of_something_else_is_blamed_on_the_way_there(code: int, body: bytes) -> None:
    """A gateway, proxy or login page knows nothing of keys, credits, roles and projects."""
    failure = refused(code, body).failure()
    assert (ErrorReason.BAD_RESPONSE, GatewayRefused.advice) == (failure.reason, failure.advice)
    for word in ("key", "credits", "role", "project"):
        assert word not in failure.detail + failure.advice


async def test_a_key_is_not_read_again_for_the_refusal_of_a_gateway(cloud: Cloud) -> None:
    """It was not refused, so the request is sent once."""
    cloud.simulator.faults.add(Fault("html", code=401))
    observer = Observer()
    access = KeyInFile("llx-revoked", KEY, plenty())
    async with client_of(cloud, observer, access=access) as client:
        with pytest.raises(GatewayRefused):
            await Reader(client, {}).jobs_page(0, {})
    assert (0, {("list_jobs", "401"): 1}) == (access.changes, observer.finished)


@pytest.mark.parametrize("body", [b"", stating("Proxy Authentication Required")])
def test_a_407_says_that_the_proxy_wants_credentials(body: bytes) -> None:
    """It also says how to set them, whatever the body of the proxy says."""
    reported = str(refused(407, body))
    assert reported.startswith("HTTP 407: the proxy wants credentials, as in HTTPS_PROXY=")


def test_a_422_names_the_parameters_in_llamaclouds_words() -> None:
    """Not as JSON, which hides what matters."""
    mistakes = [
        {
            "type": "less_than_equal",
            "loc": ["query", "limit"],
            "msg": "Input should be less than or equal to 100",
            "input": "1000",
            "ctx": {"le": 100},
        },
        {"loc": ["query", "project_id"], "msg": "Input should be a valid UUID", "type": "uuid"},
        {"loc": ["query", "offset"]},
    ]
    error = refused(422, stating(mistakes))
    assert isinstance(error, Unprocessable)
    assert {"query", "limit", "project_id", "offset"} == error.parameters
    assert (
        "HTTP 422: limit: Input should be less than or equal to 100;"
        " project_id: Input should be a valid UUID; offset"
    ) == str(error)
    assert "the setting that the detail names" in error.advice


@pytest.mark.parametrize(
    ("detail", "reported"),
    [
        ("Directory not found", "HTTP 422: Directory not found"),
        ([{"loc": []}], 'HTTP 422: [{"loc": []}]'),
        ([{"loc": ["query", "limit"], "msg": 7}], "HTTP 422: limit: 7"),
        ([{"loc": "limit"}], 'HTTP 422: [{"loc": "limit"}]'),
        ([{"loc": 7}], 'HTTP 422: [{"loc": 7}]'),
        (["limit"], 'HTTP 422: ["limit"]'),
        ({"limit": "too large"}, 'HTTP 422: {"limit": "too large"}'),
        ([{"loc": ["query", "limit", 0], "msg": "too large"}], "HTTP 422: limit: too large"),
        ([{"loc": [0, 1], "msg": "x"}], 'HTTP 422: [{"loc": [0, 1], "msg": "x"}]'),
        (None, "HTTP 422"),
    ],
)
def test_a_422_of_another_shape_is_quoted(detail: object, reported: str) -> None:
    """Whatever it is."""
    assert reported == str(refused(422, stating(detail)))


@pytest.mark.parametrize(
    ("detail", "parameters"),
    [
        ("limit must be <= 100", {"limit", "must", "be", "100"}),
        ([{"loc": ["query", "limit", 0]}], {"query", "limit"}),
        ([{"loc": [0]}, {"loc": []}, 7], set()),
        ({"limit": "too large"}, set()),
        ("x" * 100_000, {"x" * 300}),
    ],
    ids=range(5),
)
def test_a_422_names_its_parameters_in_any_shape(detail: object, parameters: set[str]) -> None:
    """As the part of a location that is a text, or as a word; nothing that it names is long."""
    error = refused(422, stating(detail))
    assert isinstance(error, Unprocessable)
    assert parameters == error.parameters


@pytest.mark.parametrize("apostrophe", ["'", "\u2019"])
def test_a_cap_of_the_plan_is_reported_as_one(apostrophe: str) -> None:
    """Neither waiting nor a smaller budget clears it."""
    words = f"You{apostrophe}ve already reached the maximum number of batch jobs."
    error = refused(429, stating(words))
    assert (CapReached, False) == (type(error), error.retryable)
    assert ErrorReason.RATE_LIMITED is error.reason
    assert "waiting does not help" in error.advice


@pytest.mark.parametrize("body", [b"", stating("Rate limit exceeded")])
def test_another_429_is_a_rate_limit(body: bytes) -> None:
    """It passes, with fewer requests."""
    error = refused(429, body)
    assert (RateLimited, True) == (type(error), error.retryable)
    assert "api.requests_per_minute" in error.advice
