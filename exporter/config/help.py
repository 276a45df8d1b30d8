"""The words of ``--help``."""

from __future__ import annotations

import textwrap

from exporter.config.documentation import (
    LLAMA_CLOUD_VARIABLES,
    PROJECTS,
    SettingDoc,
    documented_settings,
)

HELP_WIDTH = 100
USAGE = "LLAMA_CLOUD_API_KEY=... %(prog)s [FLAG...]"
_INDENT = " " * 6


def flag_help(doc: SettingDoc) -> str:
    """Return the lines of a flag's help, for argparse: percent signs are doubled."""
    return _lines(doc).replace("%", "%%")


def epilog() -> str:
    """Return what stands below the flags."""
    projects = next(doc for doc in documented_settings() if doc.setting == PROJECTS)
    return "\n".join(
        [
            "settings without a flag:",
            _paragraph(projects.setting, _lines(projects)),
            "",
            "environment variables of LlamaCloud:",
            *[_paragraph(name, _wrapped(text)) for name, text in LLAMA_CLOUD_VARIABLES.items()],
            "",
            "Keys have no flags, since a process list shows flags.",
            "Files that hold a key are better than keys in variables or in the YAML file.",
            "A relative api_key_file in the YAML file starts from that file's directory.",
            "",
            "exit status: 0 done, or stopped by a signal; 1 failed; 2 mistakes in the settings,",
            "or in the variables about proxies and certificates",
            "",
            "the least that works:",
            "  LLAMA_CLOUD_API_KEY=... llamacloud-batch-exporter",
        ]
    )


def _lines(doc: SettingDoc) -> str:
    return f"{_wrapped(doc.help)}\nDefault: {doc.default}. Variable: {doc.env}"


def _wrapped(words: str) -> str:
    return textwrap.fill(words, HELP_WIDTH - len(_INDENT) - 2, break_on_hyphens=False)


def _paragraph(name: str, lines: str) -> str:
    return f"  {name}\n{textwrap.indent(lines, _INDENT)}"
