"""The settings together with the web configuration file that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config import ConfigError, Mode, load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from exporter.config import Command
    from exporter.web_config.current import CurrentWebConfig


def load_all(
    argv: Sequence[str], environ: Mapping[str, str]
) -> tuple[Command, CurrentWebConfig | None]:
    """Read the settings as ``load`` does, and the web configuration unless it is not used.

    Raises:
        ConfigError: with the mistakes of both.
    """
    try:
        command = load(argv, environ)
    except ConfigError as error:
        problems = error.problems
        try:
            _read(error.web_config_file)
        except ConfigError as of_file:
            problems += of_file.problems
        raise ConfigError(*problems, waits_for_key=error.waits_for_key) from None
    file = None if command.mode is Mode.ONCE else command.settings.web.config.file
    try:
        return command, _read(file)
    except ConfigError as error:
        raise ConfigError(*error.problems, waits_for_key=command.waits_for_key) from None


def _read(file: Path | None) -> CurrentWebConfig | None:
    if file is None:
        return None
    from exporter.web_config.current import CurrentWebConfig  # noqa: PLC0415 - most need none of it

    return CurrentWebConfig(file)
