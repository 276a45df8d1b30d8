"""Variables of our libraries, which have no effect."""

from __future__ import annotations

import re
import ssl
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.app.foreign_variables import FOREIGN_VARIABLES, forget_foreign_variables
from tests.support.cloud import KEY
from tests.support.exporter_process import run, running

if TYPE_CHECKING:
    from tests.support.cloud import Cloud

LIBRARIES = (
    "anyio",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "msgspec",
    "prometheus_client",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "sniffio",
    "stamina",
    "starlette",
    "structlog",
    "tenacity",
    "uvicorn",
    "yaml",
)
READ = (
    re.compile(r"(?:getenv|environ(?:\.get|\.pop|\.setdefault)?)\s*[\[(]\s*['\"](\w+)['\"]"),
    re.compile(r"['\"](\w+)['\"] (?:not )?in os\.environ"),
    re.compile(r"_ENV(?:_VAR)?\w* = ['\"]([A-Z]\w+)['\"]"),
)
# Read on purpose, and documented.
HEEDED = {"SSL_CERT_DIR", "SSL_CERT_FILE"}
# In parts of libraries that the exporter does not use: WSGI requests, and other systems.
UNREACHED = {
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "PATH_INFO",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "SERVER_NAME",
    "SERVER_PORT",
}


def variables_of(source: str) -> set[str]:
    return {name for pattern in READ for name in pattern.findall(source)}


def sources(library: str) -> list[Path]:
    spec = find_spec(library)
    assert spec is not None
    assert spec.origin is not None
    return sorted(Path(spec.origin).parent.rglob("*.py"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_each_variable_that_a_library_reads_is_forgotten_or_heeded(library: str) -> None:
    """A new version of a library must not bring another variable."""
    of_v1 = "pydantic/v1/"  # Nothing imports it.
    read = {
        name
        for file in sources(library)
        if of_v1 not in str(file)
        for name in variables_of(file.read_text())
    }
    assert read - UNREACHED - HEEDED <= set(FOREIGN_VARIABLES)


def test_what_ssl_reads_is_forgotten() -> None:
    """The standard library's own module."""
    read = variables_of(Path(ssl.__file__).read_text())
    assert {"SSLKEYLOGFILE"} == read
    assert read <= set(FOREIGN_VARIABLES)


def test_forgetting_leaves_all_others() -> None:
    """Variables in lower case count as well."""
    environ = {"WEB_CONCURRENCY": "auto", "web_concurrency": "auto", "HTTPS_PROXY": "http://h"}
    forget_foreign_variables(environ)
    assert {"web_concurrency": "auto", "HTTPS_PROXY": "http://h"} == environ


@pytest.mark.parametrize("value", ["", "nonsense"])
def test_they_change_nothing(cloud: Cloud, tmp_path: Path, value: str) -> None:
    """Whatever they hold, only scrapes are served, and no file is written."""
    cloud.add_job()
    folders = {
        name: str(tmp_path / "nowhere")
        for name in FOREIGN_VARIABLES
        if value and ("DIR" in name or "FILE" in name)
    }
    if value:
        # Where this is a folder, files appear in it.
        folders["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    variables = dict.fromkeys(FOREIGN_VARIABLES, value) | folders
    with running(
        "--api.requests-per-minute=6000",
        **variables,
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
    ) as exporter:
        text = exporter.wait_for_metric("llamacloud_batch_job_progress_ratio")
        status, _ = exporter.stop()
        loggers = {line["logger"] for line in exporter.log()}
    written = [*tmp_path.iterdir(), *Path().glob("*.db")]
    assert (0, {"exporter"}, []) == (status, loggers, written)
    assert "_created{" not in text


def test_settings_are_not_logged_for_one_of_them(cloud: Cloud) -> None:
    """pydantic-settings would log the values of settings."""
    ended = run(
        "--config.check",
        PYDANTIC_SETTINGS_DEBUG="1",
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
    )
    assert (0, "") == (ended.returncode, ended.stderr)
