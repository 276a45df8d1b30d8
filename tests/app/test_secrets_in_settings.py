"""No key is in a message about the settings, whether they are valid or not."""

from tests.app.leaking import ECHO, KEYS, Configured, leaks
from tests.support.exporter_process import run


def test_reports_and_help_show_no_key(configured: Configured) -> None:
    """They name the origin of a key, not the key."""
    check = run("--config.check", **configured.variables())
    check_json = run("--config.check", **configured.as_json())
    help_ = run("--help", **configured.variables())
    version = run("--version", **configured.variables())

    ended = (check, check_json, help_, version)
    assert [0, 0, 0, 0] == [each.returncode for each in ended]
    assert "LLAMA_CLOUD_API_KEY" in check.stdout
    assert [] == leaks(*(each.stdout + each.stderr for each in ended))


def test_mistakes_in_the_settings_show_no_key(configured: Configured) -> None:
    """A key in the wrong place is not shown either."""
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
