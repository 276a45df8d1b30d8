"""The command line: modes, and a flag for every setting but ``projects``."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from exporter import __version__
from exporter.config.documentation import documented_settings
from exporter.config.errors import ConfigError, unknown
from exporter.config.help import HELP_WIDTH, USAGE, epilog, flag_help

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_REPEATABLE = "web.listen_address"
# argparse would end at the first flag without a value, and hide all other mistakes.
_NO_VALUE = object()


class Mode(StrEnum):
    """What the program is to do."""

    SERVE = "serve"
    CHECK = "check"
    ONCE = "once"
    DEMO = "demo"


_MODE_FLAGS = {
    "--config.check": (Mode.CHECK, "Report on the settings and exit."),
    "--once": (
        Mode.ONCE,
        "List the jobs, refresh them for one interval at most, print the metrics and exit.",
    ),
    "--demo": (Mode.DEMO, "Serve against the built-in LlamaCloud simulator; needs no key."),
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line says, and what is wrong with it."""

    mode: Mode
    values: Mapping[str, Any]
    problems: tuple[str, ...]


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print and exit, and never repeats a value: it may be a key."""

    def parse_known(self, argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Return what the flags set, and the arguments that are no flags of ours."""
        try:
            namespace, rest = self.parse_known_args(argv)
        except argparse.ArgumentError as error:
            raise ConfigError([f"flag {error.argument_name} takes no value."]) from None
        return vars(namespace), rest

    def error(self, message: str) -> NoReturn:  # noqa: ARG002 - it may repeat a value
        """Raise what newer versions of argparse do not raise as an ``ArgumentError``."""
        raise ConfigError(["the command line cannot be understood."])


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the command line; ``--help`` and ``--version`` print and exit.

    Raises:
        ConfigError: if a mode was given a value.
    """
    values, rest = _parser().parse_known(argv)
    modes = [flag for flag in _MODE_FLAGS if values.pop(flag, False)]
    problems = [*_flags_without_value(values), *_unknown_arguments(rest)]
    if len(modes) > 1:
        problems.append(f"{' and '.join(modes)} are modes; choose one.")
    mode = _MODE_FLAGS[modes[0]][0] if modes else Mode.SERVE
    return Arguments(mode, values, tuple(problems))


def _parser() -> _Parser:
    parser = _Parser(
        prog="llamacloud-batch-exporter",
        usage=USAGE,
        description="Prometheus exporter for LlamaCloud batch-processing jobs.",
        epilog=epilog(),
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        exit_on_error=False,
        formatter_class=partial(
            argparse.RawTextHelpFormatter, width=HELP_WIDTH, max_help_position=6
        ),
    )
    _add_modes(parser.add_argument_group("modes (none: serve)"))
    _add_settings(
        parser.add_argument_group(
            "settings (a flag wins over its variable, the variable over the file)"
        )
    )
    return parser


def _add_modes(group: argparse._ArgumentGroup) -> None:
    for flag, (_, words) in _MODE_FLAGS.items():
        group.add_argument(flag, dest=flag, action="store_true", help=words)
    group.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {__version__}",
        help="Print the version and exit.",
    )


def _add_settings(group: argparse._ArgumentGroup) -> None:
    for doc in documented_settings():
        if doc.flag:
            group.add_argument(
                doc.flag,
                dest=doc.setting,
                metavar=doc.metavar,
                action="append" if doc.setting == _REPEATABLE else "store",
                nargs="?",
                const=_NO_VALUE,
                help=flag_help(doc),
            )


def _flags_without_value(values: dict[str, Any]) -> list[str]:
    """Take the flags out that have no value, and say so."""
    empty = [setting for setting, value in values.items() if _NO_VALUE in (value, *_members(value))]
    for setting in empty:
        del values[setting]
    flags = [doc.flag for doc in documented_settings() if doc.setting in empty]
    return [f"flag {flag} needs a value, as in {flag}=VALUE." for flag in flags]


def _members(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _unknown_arguments(rest: Sequence[str]) -> list[str]:
    known = [*_MODE_FLAGS, "--help", "--version"]
    known += [doc.flag for doc in documented_settings() if doc.flag]
    flags = [argument.partition("=")[0] for argument in rest if argument.startswith("-")]
    if rest and not flags:
        return ["an argument is no flag; values are written --flag=VALUE."]
    # Words between unknown flags are their values, and may be keys.
    return [f"flag {unknown(flag, known)}" for flag in flags]
