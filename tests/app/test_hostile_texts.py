"""Hostile texts in any field of LlamaCloud's responses: every page and log line escapes them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as _strict
from prometheus_client.parser import text_string_to_metric_families as lenient

from exporter.domain import ItemStatus
from exporter.simulator import SimulatedItem
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import run, running
from tests.support.log_reading import lines_of
from tests.support.tools import check_metrics

strict: Callable[[str], Iterable[Metric]] = _strict
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
# Without a slash: the simulator, as most servers, takes an escaped one for a part of the path.
TEXTS = {
    "quotes": "\"'\\",
    "breaks": "a\nb\r\nc\u2028d\x85e\x0bf",
    "a sample": 'x"} 1\n# EOF\nllamacloud_batch_job_info{job_id="forged"} 1\n',
    "a log line": '\n{"event": "forged", "level": "info"}\n',
    "a terminal": "\x1b[2J\x1b]0;title\x07\b\b\b",
    "control": "".join(map(chr, range(32))) + "\x7f\x9b",
    "right to left": "\u202egnp.exe\u202c\u2066\u200f",
    "wide": "\N{PILE OF POO}\N{ZERO WIDTH JOINER}\U0010ffff\ufffe",
    "markup": "<img src=x onerror=alert(1)>&amp;{{7*7}}${7}",
    "a path": "..%2f..%2f?x=1#y",
    "dots": "...",
    "spaces": " \t ",
    "long": "x" * 1_000,
}
# Ids hold no control characters, or they are none.
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
IDS = {name: f"{CONTROLS.sub('', text)}#{name}"[-1_000:] for name, text in TEXTS.items()}
# Of three cut texts of characters that JSON writes as six each.
LONGEST_LINE = 25_000


@pytest.fixture
def hostile_cloud(cloud: Cloud) -> Cloud:
    """Write every text into every field that is one, of jobs whose status is one and others."""
    for name, text in TEXTS.items():
        long = text * (10_000 // len(text))
        id_ = IDS[name]
        items = [
            SimulatedItem(id_, long, "failed", error_message=long),
            SimulatedItem(f"{id_}2"[-1_000:], text, long),
            SimulatedItem(f"{id_}3"[-1_000:], text, "skipped", skip_reason=long),
        ]
        cloud.add_job(id_, job_type=long, status=long, directory_id=text, items=items)
        known = f"known {name}"
        cloud.add_job(known, items=[], error_message=long, directory_id=text)
    return cloud


def variables(cloud: Cloud) -> dict[str, str]:
    return {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": cloud.base_url,
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "100000",
    }


def labels(families: Iterable[Metric], name: str, label: str) -> set[str]:
    return {
        sample.labels[label]
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def test_both_forms_and_the_log_say_what_llamacloud_wrote(hostile_cloud: Cloud) -> None:
    """Texts are escaped, nothing is forged or lost, and promtool reports nothing."""
    with running("--poll.interval=1s", **variables(hostile_cloud)) as exporter:
        job_ids = set(hostile_cloud.world.jobs)
        exporter.wait_for(lambda: _counted_jobs(exporter.get()[1]) == len(job_ids))
        _, text = exporter.get()
        _, openmetrics = exporter.get(headers=OPENMETRICS)
        pages = [exporter.get(path) for path in ("/", "/-/ready", "/-/healthy")]
        shown = json.loads(exporter.get("/api/v1/jobs?per_page=500")[1])["jobs"]
        pages += [exporter.get(page_of(job_id)) for job_id in job_ids]
        _end_jobs(hostile_cloud)
        exporter.wait_for(lambda: len(exporter.events("job.ended")) == len(TEXTS))
        lines = lines_of(exporter.log_file)
    check_metrics(text.encode())
    for families in (list(lenient(text)), list(strict(openmetrics))):
        assert job_ids == labels(families, "llamacloud_batch_job_info", "job_id")
        assert set(TEXTS.values()) == labels(families, "llamacloud_batch_job_info", "directory_id")
        assert job_ids == labels(families, "llamacloud_batch_job_items", "job_id")
    assert {200} == {status for status, _ in pages}
    assert job_ids == {job["job_id"] for job in shown}
    assert set(TEXTS.values()) == {job["directory_id"] for job in shown}
    assert [] == [page[:300] for _, page in pages if "<img" in page or "\x1b" in page]
    assert_tame(lines)
    failed = {json.loads(line)["item_id"] for line in lines if '"item.failed"' in line}
    assert set(IDS.values()) == failed


def page_of(job_id: str) -> str:
    return "/job?" + urlencode({"project": "default", "job_id": job_id})


def _counted_jobs(text: str) -> int:
    lines = text.split("\n")
    samples = [line for line in lines if line.startswith("llamacloud_batch_job_items{")]
    return len(samples) // len(ItemStatus)


def _end_jobs(cloud: Cloud) -> None:
    for job in cloud.world.jobs.values():
        if job.status == "running":
            job.status, job.completed_at = "failed", cloud.world.clock()


def assert_tame(lines: list[str]) -> None:
    """Check that lines are bounded, and hold nothing that a terminal would act on."""
    assert [] == [line[:300] for line in lines if not line.isprintable()]
    assert [] == [line[:300] for line in lines if len(line) > LONGEST_LINE]


def test_each_line_of_the_console_stays_one(hostile_cloud: Cloud) -> None:
    """A line begins with a real time, level and event, or is indented."""
    ended = run("--once", "--log.format=console", **variables(hostile_cloud))
    assert 0 == ended.returncode
    lines = ended.stderr.removesuffix("\n").split("\n")
    assert_tame(lines)
    lines = [line for line in lines if not line.startswith("    ")]
    beginnings = [re.match(r"\d\d:\d\d:\d\d \w+ +([\w.]+) ", line) for line in lines]
    events = Counter(match[1] if match else "no event" for match in beginnings)
    assert {"api.unknown_value", "project.listed", "job.appeared", "item.failed"} == events.keys()
    assert (2 * len(TEXTS), len(TEXTS)) == (events["job.appeared"], events["item.failed"])
