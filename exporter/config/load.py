"""From command line, environment and file to validated settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config.documentation import PROJECTS, documented_settings
from exporter.config.doubts import doubts_about
from exporter.config.errors import ConfigError, invalid
from exporter.config.flags import Mode, parse_arguments
from exporter.config.groups import Api
from exporter.config.misplaced import KnownKeys
from exporter.config.model import Settings
from exporter.config.projects import resolve_projects
from exporter.config.sources import Source, from_environment, from_file, from_flags, strongest
from exporter.config.variables import unknown_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config.project import Project

# The simulator has no budget to spare: a demo that moves is worth more.
_DEMO_DEFAULTS = {"poll": {"interval": "5s"}, "api": {"requests_per_minute": "600"}}


@dataclass(frozen=True, slots=True)
class Command:
    """What the program is to do, and with what settings.

    ``unknown_variables`` and ``doubts`` are warnings, each a sentence.
    """

    mode: Mode
    settings: Settings
    unknown_variables: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Read the settings; ``--help`` and ``--version`` print and exit instead.

    ``argv`` does not hold the program's name.

    Raises:
        ConfigError: with all mistakes; a flag without its value may come alone.
    """
    problems: list[str] = []
    mode, flags = parse_arguments(argv, problems)
    sources = [from_flags(flags), from_environment(environ, problems)]
    file_is_read = _add_file(sources, problems)
    known_keys = KnownKeys()
    projects: tuple[Project, ...] = ()
    variables: tuple[str, ...] = ()
    if mode is Mode.DEMO:
        sources.append(Source(_DEMO_DEFAULTS))
    elif file_is_read and mode is not Mode.HEALTHCHECK:
        # Without the file nobody knows which keys are needed.
        naming = strongest(sources, PROJECTS)
        waits = _waits(sources)
        projects = resolve_projects(naming, environ, problems, known_keys, waits_for_key=waits)
        variables = unknown_variables(environ)
    settings = _validated([Source({PROJECTS: projects}), *sources], known_keys, problems)
    if settings is None or problems:
        raise ConfigError(*map(known_keys.taken_out_of, problems))
    variables = tuple(map(known_keys.taken_out_of, variables))
    return Command(mode, settings, variables, doubts_about(projects))


def serves_and_waits_for_key(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Tell whether ``api.wait_for_key`` is on, also where settings have mistakes.

    False in every mode but serving. A file that cannot be read says nothing about it.
    """
    mode, sources = _despite_mistakes(argv, environ)
    return mode is Mode.SERVE and _waits(sources)


def web_config_file_despite_mistakes(
    argv: Sequence[str], environ: Mapping[str, str]
) -> Path | None:
    """Return the ``web.config.file`` that would be used if the settings had no mistakes."""
    setting = "web.config.file"
    mode, sources = _despite_mistakes(argv, environ)
    source = strongest(sources, setting)
    file = None if source is None or mode is Mode.ONCE else source.value(setting)
    # Anything else is a mistake of its own.
    return Path(file) if isinstance(file, str) else None


def _despite_mistakes(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Mode, list[Source]]:
    ignored: list[str] = []
    try:
        mode, flags = parse_arguments(argv, ignored)
    except ConfigError:
        # What cannot be understood may be one flag of many: the variable tells it as well.
        mode, flags = Mode.SERVE, {}
    sources = [from_flags(flags), from_environment(environ, ignored)]
    _add_file(sources, ignored)
    return mode, sources


def _add_file(sources: list[Source], problems: list[str]) -> bool:
    """Add the file that a source names; return false where it cannot be read."""
    naming = strongest(sources, "config.file")
    if naming is None:
        return True
    from exporter.config.yamlfile import read_yaml  # noqa: PLC0415 - most have no file to read

    path = Path(naming.value("config.file"))
    try:
        sources.append(from_file(path, read_yaml(path) or {}, problems))
    except ConfigError as error:
        problems += error.problems
        return False
    return True


def _waits(sources: Sequence[Source]) -> bool:
    """Tell whether key files are waited for: to be known before the settings are validated."""
    setting = "api.wait_for_key"
    source = strongest(sources, setting)
    try:
        return source is not None and Api(wait_for_key=source.value(setting)).wait_for_key
    except ValidationError:
        # That is a mistake of its own; whoever made it wants to wait.
        return True


def _validated(
    sources: Sequence[Source], known_keys: KnownKeys, problems: list[str]
) -> Settings | None:
    misplaced = {}
    for setting in (doc.setting for doc in documented_settings() if doc.setting != PROJECTS):
        source = strongest(sources, setting)
        if source is not None and known_keys.are_in(source.value(setting)):
            misplaced[setting] = known_keys.mistake(source.origin(setting))
    problems += misplaced.values()
    try:
        return Settings.model_validate({"sources": sources})
    except ValidationError as error:
        for details in error.errors():
            setting = _setting_at(tuple(map(str, details["loc"])))
            source = strongest(sources, setting)
            # A default that depends on another setting cannot be told while that one is wrong.
            if source is not None and setting not in misplaced:
                problems.append(invalid(source.origin(setting), details, show_value=True))
        return None


def _setting_at(place: tuple[str, ...]) -> str:
    """Return the setting in which pydantic found a mistake; what follows its name is within it."""
    names = (doc.setting for doc in documented_settings())
    within = (name for name in names if (*name.split("."),) == place[: name.count(".") + 1])
    return next(within, ".".join(place))
