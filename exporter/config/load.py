"""Loading the settings from command line, environment and file, and validating them."""

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
from exporter.config.keys import KnownKeys
from exporter.config.model import Settings
from exporter.config.projects import resolve_projects
from exporter.config.sources import (
    Source,
    from_environment,
    from_file,
    from_flags,
    strongest,
    unknown_llama_cloud_variables,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config.project import Project

# The simulator sets no rate limit, and a demo should show progress soon.
_DEMO_DEFAULTS = {"poll.interval": "5s", "api.requests_per_minute": "600"}


@dataclass(frozen=True, slots=True)
class Command:
    """The mode of the program, and its settings.

    ``unknown_variables`` and ``doubts`` are warnings, each a sentence.
    """

    mode: Mode
    settings: Settings
    unknown_variables: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def waits_for_key(self) -> bool:
        """Whether it serves, and waits for a key file that does not exist yet."""
        return self.mode is Mode.SERVE and self.settings.api.wait_for_key


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Read the settings; ``--help`` and ``--version`` print and exit instead.

    ``argv`` does not hold the program's name.

    Raises:
        ConfigError: with all mistakes.
    """
    problems: list[str] = []
    mode, flags = parse_arguments(argv, problems)
    sources = [from_flags(flags), from_environment(environ, problems)]
    file_is_read = _add_file(sources, problems)
    waits_for_key = _waits_for_key(sources)
    known_keys = KnownKeys()
    projects: tuple[Project, ...] = ()
    variables: tuple[str, ...] = ()
    if mode is Mode.DEMO:
        sources.append(Source(_DEMO_DEFAULTS))
    # Without the file it is unknown which keys are needed.
    elif file_is_read and mode is not Mode.HEALTHCHECK:
        projects = resolve_projects(
            strongest(sources, PROJECTS), environ, problems, known_keys, waits_for_key=waits_for_key
        )
        variables = unknown_llama_cloud_variables(environ)
    settings = _validated([Source({PROJECTS: projects}), *sources], known_keys, problems)
    if settings is None or problems:
        raise ConfigError(
            *map(known_keys.redact, problems),
            waits_for_key=waits_for_key and mode is Mode.SERVE,
            web_config_file=None if mode is Mode.ONCE else _web_config_file(sources),
        )
    variables = tuple(map(known_keys.redact, variables))
    return Command(mode, settings, variables, doubts_about(projects))


def _add_file(sources: list[Source], problems: list[str]) -> bool:
    """Add the settings file that a source names; return false if it cannot be read."""
    naming = strongest(sources, "config.file")
    if naming is None:
        return True
    from exporter.config.yamlfile import read_yaml  # noqa: PLC0415 - most have no file to read

    path = Path(naming.values["config.file"])
    try:
        sources.append(from_file(path, read_yaml(path) or {}, problems))
    except ConfigError as error:
        problems += error.problems
        return False
    return True


def _waits_for_key(sources: Sequence[Source]) -> bool:
    """Return ``api.wait_for_key``, which is needed before the settings are validated."""
    setting = "api.wait_for_key"
    source = strongest(sources, setting)
    try:
        return source is not None and Api(wait_for_key=source.values[setting]).wait_for_key
    except ValidationError:
        # Reported later. Assume true: the user tried to set it.
        return True


def _web_config_file(sources: Sequence[Source]) -> Path | None:
    """Return ``web.config.file``, also if other settings have mistakes."""
    setting = "web.config.file"
    source = strongest(sources, setting)
    file = None if source is None else source.values[setting]
    # Validation reports a value of another type.
    return Path(file) if isinstance(file, str) else None


def _validated(
    sources: Sequence[Source], known_keys: KnownKeys, problems: list[str]
) -> Settings | None:
    origins = {
        doc.setting: source
        for doc in documented_settings()
        if doc.setting != PROJECTS and (source := strongest(sources, doc.setting))
    }
    places = {name: source.origin(name) for name, source in origins.items()}
    misplaced = known_keys.find_in(
        {places[name]: source.values[name] for name, source in origins.items()}, problems
    )
    try:
        return Settings.model_validate({"sources": sources})
    except ValidationError as error:
        for details in error.errors():
            # A location may lead into the value of a setting. A default has no place: one that
            # depends on another setting is not checked while that one is wrong.
            location = ".".join(map(str, details["loc"]))
            problems += [
                invalid(place, details, show_value=True)
                for name, place in places.items()
                if f"{location}.".startswith(f"{name}.") and place not in misplaced
            ]
        return None
