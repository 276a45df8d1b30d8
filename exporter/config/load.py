"""From command line, environment and file to validated settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config.documentation import PROJECTS
from exporter.config.errors import ConfigError, Mistakes
from exporter.config.flags import Mode, parse_arguments
from exporter.config.layers import (
    Layer,
    environment_layer,
    file_layer,
    flag_layer,
    nested,
    unknown_keys,
    unknown_variables,
)
from exporter.config.model import Settings
from exporter.config.projects import ConfiguredList, resolve_projects
from exporter.config.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config.project import Project

# The simulator has no budget to spare: a demo that moves is worth more.
_DEMO_DEFAULTS = Layer({"poll.interval": "5s", "api.requests_per_minute": "600"})


@dataclass(frozen=True, slots=True)
class Command:
    """What the program is to do, and with what settings."""

    mode: Mode
    settings: Settings


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Command:
    """Read the settings; ``--help`` and ``--version`` print and exit instead.

    ``argv`` does not hold the program's name.

    Raises:
        ConfigError: with all mistakes; a flag without its value may come alone.
    """
    arguments = parse_arguments(argv)
    mistakes = Mistakes()
    mistakes.add(*arguments.problems, *unknown_variables(environ))
    upper = flag_layer(arguments.values).over(environment_layer(environ))
    path = upper.values.get("config.file")
    file = mistakes.attempt(_read_file, Path(path), mistakes) if path is not None else Layer()
    layers = upper.over(file or Layer())
    projects: tuple[Project, ...] | None = ()
    if arguments.mode is Mode.DEMO:
        layers = layers.over(_DEMO_DEFAULTS)
    elif file is not None:
        # Without the file nobody knows which keys are needed.
        projects = mistakes.attempt(resolve_projects, _configured_list(layers, file, path), environ)
    settings = mistakes.conclude(_validated, layers, projects or ())
    return Command(arguments.mode, settings)


def _read_file(path: Path, mistakes: Mistakes) -> Layer:
    from exporter.config.yamlfile import read_yaml  # noqa: PLC0415 - most have no file to read

    tree = read_yaml(path)
    mistakes.add(*unknown_keys(path, tree))
    return file_layer(path, tree)


def _configured_list(layers: Layer, file: Layer, path: str | None) -> ConfiguredList | None:
    if PROJECTS not in layers.values:
        return None
    origin = layers.origins[PROJECTS]
    from_file = path is not None and origin == file.origins.get(PROJECTS)
    directory = Path(path).parent if path is not None and from_file else Path()
    return ConfiguredList(layers.values[PROJECTS], origin, directory)


def _validated(layers: Layer, projects: tuple[Project, ...]) -> Settings:
    try:
        return Settings.model_validate({**nested(layers.values), "projects": projects})
    except ValidationError as error:
        found = error.errors()
    # A default that depends on another setting cannot be told while that one is wrong.
    own = [details for details in found if details["type"] != "default_factory_not_called"]
    raise ConfigError(
        sentence(layers.origins[".".join(map(str, details["loc"][:2]))], details, show_value=True)
        for details in own
    )
