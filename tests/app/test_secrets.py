"""No key stands in anything that the exporter writes or serves, whatever LlamaCloud answers."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from cloud import Cloud
from process import environment, run, running

from exporter.simulator import DEFAULT_PROJECT_ID, Fault, SimulatedItem
from exporter.simulator.faults import Endpoint

KEYS = {
    "variable": "llx-variable-Zq7Jw2Xr9Lk4Tn8Bv3Yd",
    "file": "llx-file-Hm5Gc1Pf6Sa0Ue9Io7Kz",
    "yaml": "llx-yaml-Rw8Et3Qy2Nb6Vx4Mj1Dl",
    "json": "llx-json-Cs9Fo4Xu7Ai2Wg5Zh8Np",
}
# So much of a key is no accident.
TELLING = 9
ECHO = " ".join(KEYS.values())
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
FORMATS = pytest.mark.parametrize("log_format", ["json", "console"])


def leaks(*outputs: str) -> list[str]:
    """Name the keys of which a telling part stands in an output, in whatever case."""
    text = "\n".join(outputs).lower()
    return [
        name
        for name, key in KEYS.items()
        if any(key[at : at + TELLING].lower() in text for at in range(4, len(key) - TELLING))
    ]


def _until_cut(length: int, key: str) -> str:
    """Return a text of which ``length`` characters end in the middle of ``key``."""
    return "x" * (length - len(key) + 2) + key


def _echo_everywhere(cloud: Cloud) -> None:
    """Let the server repeat the keys in every field that is free text, and in its errors."""
    for number, key in enumerate(KEYS.values()):
        cloud.world.add_key(key, DEFAULT_PROJECT_ID)
        items = [
            SimulatedItem("item-1", ECHO, "failed", error_message=ECHO),
            SimulatedItem("item-2", _until_cut(500, key), "failed"),
            SimulatedItem("item-3", "c.pdf", "failed", error_message=_until_cut(500, key)),
            SimulatedItem("item-4", "d.pdf", "skipped", skip_reason=ECHO),
            SimulatedItem("item-5", "e.pdf", ECHO),
        ]
        message = _until_cut(1_000, key) if number else ECHO
        cloud.add_job(f"job-{number}", items=items, status="failed", error_message=message)
        cloud.add_job(f"active-{number}", items=items, status=ECHO, job_type=_until_cut(1_000, key))
    endpoints: tuple[Endpoint, ...] = ("list_jobs", "job_status", "list_items")
    for endpoint in endpoints:
        for fault in _echoing_faults(endpoint, KEYS["variable"]):
            cloud.simulator.faults.add(fault)
    row = {"id": "a", "job_type": "parse", "status": "running", "project_id": "p", "total_items": 1}
    wrong = {"items": [row | {"created_at": KEYS["variable"]}]}
    cloud.simulator.faults.add(Fault("wrong_shape", times=2, endpoint="list_jobs", body=wrong))


def _echoing_faults(endpoint: Endpoint, key: str) -> list[Fault]:
    once = partial(Fault, times=1, endpoint=endpoint)
    return [
        once("wrong_shape", code=422, body={"detail": ECHO}),
        once("wrong_shape", code=422, body={"detail": [{"input": _until_cut(280, key)}]}),
        once("wrong_shape", code=500, body={"detail": _until_cut(300, key)}, retry_after=0),
        once("status", code=302, headers={"location": f"http://[{ECHO}"}),
        once("status", code=429, headers={"x-echo": ECHO}, retry_after=0),
    ]


@dataclass
class Configured:
    """A server that repeats keys, and the settings that hold these."""

    cloud: Cloud
    file: Path

    def variables(self, **more: str) -> dict[str, str]:
        """Return the variables of projects with keys from a variable, a file and YAML."""
        return {
            "LLAMA_CLOUD_API_KEY": KEYS["variable"],
            "LLAMA_CLOUD_BASE_URL": self.cloud.base_url,
            "LLAMACLOUD_EXPORTER_CONFIG__FILE": str(self.file),
            "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "100000",
            "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1s",
            "LLAMACLOUD_EXPORTER_LOG__LEVEL": "debug",
        } | more

    def as_json(self) -> dict[str, str]:
        """Return the same with the projects in a variable, and all keys in it."""
        projects = [{"name": f"by-json-{name}", "api_key": key} for name, key in KEYS.items()]
        variables = self.variables(LLAMACLOUD_EXPORTER_PROJECTS=json.dumps(projects))
        del variables["LLAMACLOUD_EXPORTER_CONFIG__FILE"]
        return variables


@pytest.fixture
def configured(cloud: Cloud, tmp_path: Path) -> Configured:
    """Write the settings of projects that each have a key from elsewhere."""
    (tmp_path / "key").write_text(KEYS["file"] + "\n")
    file = tmp_path / "exporter.yml"
    file.write_text(
        "projects:\n"
        "  - {name: by-variable}\n"
        "  - {name: by-file, api_key_file: key}\n"
        f"  - {{name: by-yaml, api_key: {KEYS['yaml']}}}\n"
        f"  - {{name: by-yaml-too, api_key: {KEYS['json']}}}\n"
    )
    _echo_everywhere(cloud)
    return Configured(cloud, file)


def test_serving_shows_no_key(configured: Configured) -> None:
    """Neither the log at its most talkative, nor any page, while errors and texts repeat keys."""
    with running(**configured.variables()) as exporter:
        wanted = {"by-variable", "by-file", "by-yaml"}
        exporter.wait_for(
            lambda: wanted <= {line["project"] for line in exporter.events("item.failed")}
        )
        exporter.wait_for(lambda: bool(exporter.events("api.unknown_value")))
        exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
        pages = [exporter.get(path)[1] for path in ("/", "/metrics", "/-/ready", "/nothing")]
        pages.append(exporter.get(headers=OPENMETRICS)[1])
        exporter.stop()
        log = exporter.log_file.read_text()

    assert 'job_id="job-1",project="by-yaml"' in pages[1]
    assert "[redacted]" in log
    assert "a time is an RFC 3339 string" in log
    assert [] == leaks(log, *pages)


@FORMATS
def test_once_shows_no_key(configured: Configured, log_format: str) -> None:
    """In either format of the log, and with keys from a variable in JSON."""
    configured.cloud.simulator.faults.clear()

    ended = run("--once", f"--log.format={log_format}", **configured.as_json())

    assert 0 == ended.returncode
    assert "item.failed" in ended.stderr
    assert "[redacted]" in ended.stderr
    assert 'project="by-json-yaml"' in ended.stdout
    assert [] == leaks(ended.stdout, ended.stderr)


@FORMATS
def test_a_crash_shows_no_key(configured: Configured, log_format: str) -> None:
    """Its traceback names what went wrong, which may be about a key."""
    broken = (
        "import sys; from exporter.poller import project; from exporter.__main__ import main\n"
        f"def broken(*_): raise RuntimeError({ECHO!r}) from ValueError({{'k': {ECHO!r}}})\n"
        "project.list_all_jobs = broken; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", broken, "--once", f"--log.format={log_format}"],
        env=environment(**configured.as_json()),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert 1 == ended.returncode
    assert "RuntimeError: [redacted] [redacted]" in ended.stderr
    assert [] == leaks(ended.stdout, ended.stderr)


def test_reports_and_help_show_no_key(configured: Configured) -> None:
    """They tell where a key comes from, not what it is."""
    check = run("--config.check", **configured.variables())
    check_json = run("--config.check", **configured.as_json())
    help_ = run("--help", **configured.variables())

    assert [0, 0, 0] == [check.returncode, check_json.returncode, help_.returncode]
    assert "LLAMA_CLOUD_API_KEY" in check.stdout
    outputs = [each.stdout + each.stderr for each in (check, check_json, help_)]
    assert [] == leaks(*outputs)


def test_mistakes_in_the_settings_show_no_key(configured: Configured) -> None:
    """Also of a key that was put in the wrong place."""
    configured.file.write_text(
        f"{KEYS['yaml']}: 1\n"
        f"poll: {{interval: {KEYS['yaml']}, {KEYS['yaml']}: 2}}\n"
        "projects:\n"
        f"  - {{name: a, project_id: {KEYS['yaml']}, api_key: '{KEYS['yaml']} {KEYS['yaml']}'}}\n"
        f"  - {{name: {KEYS['yaml']}}}\n"
        f"  - {{name: {KEYS['yaml']}}}\n"
        f"  - {{base_url: 'https://{KEYS['yaml']}@host', api_kee: {KEYS['yaml']}}}\n"
        f"  - {KEYS['yaml']}\n"
    )
    in_file = run(**configured.variables())
    flags = (f"--poll.interval={KEYS['variable']}", f"--{KEYS['file']}", KEYS["json"])
    in_flags = run(*flags, **configured.variables(LLAMA_CLOUD_PROJECT_ID=KEYS["variable"]))
    in_json = run(
        **configured.as_json() | {"LLAMACLOUD_EXPORTER_PROJECTS": f'[{{"api_key": "{ECHO}'}
    )
    both = run(**configured.variables(LLAMA_CLOUD_API_KEY_FILE=KEYS["file"]))

    ended = (in_file, in_flags, in_json, both)
    assert [2, 2, 2, 2] == [each.returncode for each in ended]
    assert ["Traceback" in each.stderr for each in ended] == [False] * 4
    assert [] == leaks(*(each.stdout + each.stderr for each in ended))
