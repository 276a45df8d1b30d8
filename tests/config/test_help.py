"""The text of ``--help``, and the list of settings that documentation is checked against."""

import pytest

from exporter.config import LLAMA_CLOUD_VARIABLES, SettingDoc, documented_settings, load


@pytest.fixture
def help_text(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what ``--help`` prints."""
    with pytest.raises(SystemExit) as raised:
        load(["--help"], {})
    assert raised.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_setting(help_text: str) -> None:
    """Each setting is listed with its flag, variable, default and help sentence."""
    words = " ".join(help_text.split())
    untold = [
        doc.setting
        for doc in documented_settings()
        for part in (
            doc.flag or doc.setting,
            f"{doc.help} Default: {doc.default}. Variable: {doc.env}",
        )
        if part not in words
    ]

    assert untold == []


@pytest.mark.parametrize(
    "words",
    [
        *LLAMA_CLOUD_VARIABLES,
        "--healthcheck",
        "--config.check",
        "--once",
        "--demo",
        "--version",
        "Prefer files that hold only a key",
        "exit status: 0",
        "\n  LLAMA_CLOUD_API_KEY=... llamacloud-batch-exporter\n",
    ],
)
def test_help_explains_how_to_begin(words: str, help_text: str) -> None:
    """Modes, LlamaCloud's variables, the smallest command and the exit statuses are listed."""
    assert words in help_text


def test_help_fits_a_terminal(help_text: str) -> None:
    """No line is longer than 100 columns."""
    assert [line for line in help_text.splitlines() if len(line) > 100] == []


def test_settings_are_documented_from_the_model() -> None:
    """Names, flags and variables follow one scheme; every setting has a sentence."""
    docs = {doc.setting: doc for doc in documented_settings()}

    assert docs["poll.stale_after"] == SettingDoc(
        setting="poll.stale_after",
        flag="--poll.stale-after",
        env="LLAMACLOUD_EXPORTER_POLL__STALE_AFTER",
        default="5 intervals, at least 5m",
        help="Time without a successful listing after which a project is stale: the data"
        " of its active jobs is withdrawn.",
        metavar="DURATION",
    )
    assert docs["projects"].flag is None
    assert docs["retention.failed"].default == "24h"
    assert docs["web.listen_address"].default == ":9910"
    assert [name for name, doc in docs.items() if not doc.help.endswith((".", "variable."))] == []
