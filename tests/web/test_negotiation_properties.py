"""Every way of requesting a form and an encoding, against RFC 9110."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.exposition import Form
from exporter.web.negotiation import accepts_gzip, choose_form
from tests.support.properties import EFFORT, UNHURRIED

NAMES = {Form.TEXT: "text/plain", Form.OPENMETRICS: "application/openmetrics-text"}
VERSIONS = {Form.TEXT: ("0.0.4",), Form.OPENMETRICS: ("1.0.0", "0.0.1")}
WIDER = {Form.TEXT: ("text/*", "*/*"), Form.OPENMETRICS: ("application/*", "*/*")}
OTHER_RANGES = ("text/html", "application/json", "image/*", "text/plain2", "*/plain")
OFFERED = [None, "0.0.4", "1.0.0", "0.0.1", "2.0.0", ""]


@dataclass(frozen=True)
class Wish:
    """A part of a header as it is meant, and as it is written."""

    value: str
    version: str | None
    quality: float
    written: str


def _any_case(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([text, text.upper(), text.title()])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


spaces = st.sampled_from(["", " ", "\t ", "  "])
# All that a quoted text may hold, above all what means something outside of it.
inner_texts = st.text(st.sampled_from(' \t!,;="\\q0.1a\xe9'), max_size=12) | st.sampled_from(
    ["a;q=0", "a,text/plain;q=0", '";q=0,"', "\\"]
)
qualities = st.sampled_from(
    [(0.0, "0"), (0.0, "0.000"), (0.001, "0.001"), (0.5, "0.5"), (0.5, "0.500"), (1.0, "1.0")]
) | st.integers(0, 999).map(lambda n: (n / 1000, f"0.{n:03}"))


@st.composite
def wishes(draw: st.DrawFn, values: list[str], versions: list[str | None]) -> Wish:
    """Draw a part of a header, written in one of the ways that the RFC allows."""
    value = draw(st.sampled_from(values))
    version = draw(st.sampled_from(versions)) if value in NAMES.values() else None
    parameters = []
    if version is not None:
        as_token = [version] if version else []
        written = draw(st.sampled_from([_quoted(version), *as_token]))
        parameters.append(f"{draw(_any_case('version'))}={written}")
    if "/" in value and draw(st.booleans()):
        parameters.append(f"escaping={_quoted(draw(inner_texts))}")
    quality, written_quality = draw(st.just((1.0, "")) | qualities)
    if written_quality:
        parameters.append(f"{draw(_any_case('q'))}={written_quality}")
    written = "".join(f"{draw(spaces)};{draw(spaces)}{text}" for text in parameters)
    return Wish(value, version, quality, draw(_any_case(value)) + written)


def _header(wished: list[Wish], between: list[str]) -> str:
    # A list may have empty elements (RFC 9110, 5.6.1.2).
    return "".join(f"{space},{wish.written}" for wish, space in zip(wished, between, strict=True))


accepts = st.lists(
    wishes([*NAMES.values(), "text/*", "application/*", "*/*", *OTHER_RANGES], OFFERED),
    max_size=5,
    unique_by=lambda wish: (wish.value, wish.version),
)
codings = st.lists(
    wishes(["gzip", "identity", "*", "br", "deflate", "gzip2"], [None]),
    max_size=4,
    unique_by=lambda wish: wish.value,
)


def _quality_of(form: Form, wished: list[Wish]) -> float:
    """Return the quality by the most specific range that the form matches (RFC 9110, 12.5.1)."""
    qualities = {(wish.value, wish.version): wish.quality for wish in wished}
    exact = [(NAMES[form], version) for version in VERSIONS[form]]
    given_exactly = [qualities[key] for key in exact if key in qualities]
    if given_exactly:
        return max(given_exactly)
    ranges = [(NAMES[form], None), *((wider, None) for wider in WIDER[form])]
    return next((qualities[key] for key in ranges if key in qualities), 0.0)


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(wished=accepts, data=st.data())
def test_no_other_form_is_liked_better(wished: list[Wish], data: st.DataObject) -> None:
    """In whatever way the wishes are written."""
    header = _header(wished, [data.draw(spaces) for _ in wished])
    liked = {form: _quality_of(form, wished) for form in Form}

    form = choose_form(header)

    assert liked[form] == max(liked.values()), header
    if not any(liked.values()):
        assert form is Form.TEXT


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(wished=codings, data=st.data())
def test_gzip_is_used_where_it_is_accepted_and_identity_not_liked_better(
    wished: list[Wish], data: st.DataObject
) -> None:
    """What is not named has the quality of the asterisk; identity needs no permission."""
    header = _header(wished, [data.draw(spaces) for _ in wished])
    qualities = {wish.value: wish.quality for wish in wished}
    others = qualities.get("*", 0.0)
    gzip_liked, identity_liked = qualities.get("gzip", others), qualities.get("identity", others)

    assert accepts_gzip(header) == (gzip_liked > 0 and gzip_liked >= identity_liked), header


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ('application/openmetrics-text;x="a;q=0"', Form.OPENMETRICS),
        ('application/openmetrics-text;x="a\\";q=0"', Form.OPENMETRICS),
        ('text/plain;x="\\\\",application/openmetrics-text;q=0.5', Form.TEXT),
        ('application/openmetrics-text;version="1\\.0.0"', Form.OPENMETRICS),
    ],
)
def test_what_is_quoted_separates_nothing(accept: str, form: Form) -> None:
    """Semicolons and commas in quotes are text."""
    assert choose_form(accept) is form


def test_identity_is_liked_as_the_asterisk_says() -> None:
    """It stands for all that is not named."""
    assert not accepts_gzip("gzip;q=0.5, *;q=1")
