"""The settings together with the web configuration file that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config import ConfigError, Mode, load, web_config_file_despite_mistakes

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
            _read(web_config_file_despite_mistakes(argv, environ))
        except ConfigError as of_file:
            problems += of_file.problems
        raise ConfigError(*problems) from None
    file = None if command.mode is Mode.ONCE else command.settings.web.config.file
    return command, _read(file)


def _read(file: Path | None) -> CurrentWebConfig | None:
    if file is None:
        return None
    from exporter.web_config.current import CurrentWebConfig  # noqa: PLC0415 - only who uses it pays for it

    return CurrentWebConfig(file)
