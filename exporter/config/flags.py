"""The command line: modes, a flag for every setting but ``projects``, and ``--help``."""

from __future__ import annotations

import argparse
import textwrap
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from exporter import __version__
from exporter.config.documentation import (
    LLAMA_CLOUD_VARIABLES,
    PROJECTS,
    SettingDoc,
    documented_settings,
)
from exporter.config.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_REPEATABLE = "web.listen_address"
_HELP_WIDTH = 100
_INDENT = " " * 6
_EPILOG = """\
settings without a flag:
{projects}

environment variables of LlamaCloud:
{variables}

Keys have no flags, because every user can read the flags of a process.
Prefer files that hold only a key to keys in variables or in the YAML file.
A relative api_key_file in the YAML file starts from that file's directory.

exit status: 0 done, or stopped by a signal while it served; 1 failed; 2 a mistake in the settings,
or in the variables for proxies and certificates

minimal example:
  LLAMA_CLOUD_API_KEY=... llamacloud-batch-exporter"""
_NO_FLAG = (
    "an argument is no flag; values are written --flag=VALUE, and the settings file is named by"
    " --config.file=FILE."
)


class Mode(StrEnum):
    """What the program is to do; each value but the first is the flag that chooses it."""

    SERVE = "serve"
    HEALTHCHECK = "--healthcheck"
    CHECK = "--config.check"
    ONCE = "--once"
    DEMO = "--demo"


_MODE_HELP = {
    Mode.HEALTHCHECK: (
        "Check that the exporter that runs with these settings is healthy: exit status 0 or 1."
    ),
    Mode.CHECK: "Check the settings, report every mistake and exit.",
    Mode.ONCE: "List the jobs, refresh them for one interval at most, print the metrics and exit.",
    Mode.DEMO: "Serve against the built-in LlamaCloud simulator; needs no key.",
}


def parse_arguments(argv: Sequence[str], problems: list[str]) -> tuple[Mode, dict[str, str]]:
    """Return the mode, and the settings that flags set, by name.

    ``--help`` and ``--version`` print and exit. Mistakes are added to ``problems``; after one that
    argparse stops at, no setting is returned.
    """
    try:
        namespace, rest = _parser().parse_known_args(argv)
    except argparse.ArgumentError as error:
        problems.append(f"flag {error.argument_name} takes no value.")
        return next((mode for mode in _MODE_HELP if mode == error.argument_name), Mode.SERVE), {}
    given = vars(namespace)
    settings = _settings_of(given, problems)
    problems += _unknown_arguments(rest)
    modes = [mode for mode in _MODE_HELP if mode in given]
    if len(modes) > 1:
        problems.append(f"{' and '.join(modes)} are modes; choose one.")
    return modes[0] if modes else Mode.SERVE, settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llamacloud-batch-exporter",
        usage="LLAMA_CLOUD_API_KEY=... %(prog)s [FLAG...]",
        description="Prometheus exporter for LlamaCloud batch-processing jobs.",
        epilog=_epilog(),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        # argparse would print values, which may be keys.
        exit_on_error=False,
        formatter_class=partial(
            argparse.RawTextHelpFormatter, width=_HELP_WIDTH, max_help_position=len(_INDENT)
        ),
    )
    modes = parser.add_argument_group("modes (none: serve)")
    for mode, words in _MODE_HELP.items():
        modes.add_argument(mode, dest=mode, action="store_true", help=words)
    version, words = f"%(prog)s {__version__}", "Print the version and exit."
    modes.add_argument("--version", action="version", version=version, help=words)
    settings = parser.add_argument_group(
        "settings (a flag overrides its variable, a variable overrides the file)"
    )
    for doc in documented_settings():
        if doc.flag:
            settings.add_argument(
                doc.flag,
                dest=doc.setting,
                metavar=doc.metavar,
                action="append",
                # argparse would end at the first flag without a value, and hide all other mistakes.
                nargs="?",
                help=_lines(doc).replace("%", "%%"),
            )
    return parser


def _epilog() -> str:
    projects = next(doc for doc in documented_settings() if doc.setting == PROJECTS)
    variables = [_paragraph(name, _wrapped(text)) for name, text in LLAMA_CLOUD_VARIABLES.items()]
    return _EPILOG.format(
        projects=_paragraph(projects.setting, _lines(projects)), variables="\n".join(variables)
    )


def _lines(doc: SettingDoc) -> str:
    return f"{_wrapped(doc.help)}\nDefault: {doc.default}. Variable: {doc.env}"


def _wrapped(words: str) -> str:
    return textwrap.fill(words, _HELP_WIDTH - len(_INDENT) - 2, break_on_hyphens=False)


def _paragraph(name: str, lines: str) -> str:
    return f"  {name}\n{textwrap.indent(lines, _INDENT)}"


def _settings_of(given: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    """Return what flags set; the last one counts, but of addresses to listen on all do."""
    settings: dict[str, str] = {}
    for doc in documented_settings():
        values = given.get(doc.setting, [])
        if doc.setting != _REPEATABLE:
            values = values[-1:]
        if None in values:
            problems.append(f"flag {doc.flag} needs a value, as in {doc.flag}={doc.example}.")
        elif values:
            settings[doc.setting] = ",".join(value.strip() for value in values)
    return settings


def _unknown_arguments(rest: Sequence[str]) -> list[str]:
    known = [*_MODE_HELP, "--help", "--version"]
    known += [doc.flag for doc in documented_settings() if doc.flag]
    flags = [argument.partition("=")[0] for argument in rest if argument.startswith("-")]
    if rest and not flags:
        return [_NO_FLAG]
    # Words between unknown flags are their values, and may be keys.
    return [f"flag {unknown(flag, known)}" for flag in flags]
