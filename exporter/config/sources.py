"""Where settings come from: each place is a source that pydantic-settings merges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_settings import EnvSettingsSource

from exporter.config.documentation import (
    LLAMA_CLOUD_VARIABLES,
    documented_settings,
    example_in,
    flag_name,
    variable_name,
)
from exporter.config.errors import unknown
from exporter.config.model import ENV_PREFIX, Settings
from exporter.config.values import is_service_link
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Source(EnvSettingsSource):
    """The values that one place sets, by names such as ``poll.interval``.

    pydantic-settings reads them as variables, and so puts each into its group. ``origin`` returns
    what messages call a setting of this place; relative paths in the values start from
    ``directory``.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        origin: Callable[[str], str] = str,
        directory: Path = Path(),
    ) -> None:
        super().__init__(Settings)
        self.env_vars = {variable_name(name).lower(): value for name, value in values.items()}
        self.values = values
        self.origin = origin
        self.directory = directory


def strongest(sources: Iterable[Source], setting: str) -> Source | None:
    """Return the first source that sets a setting."""
    return next((source for source in sources if setting in source.values), None)


def from_flags(values: Mapping[str, str]) -> Source:
    """Return the source of the settings that flags set."""
    return Source(values, lambda setting: f"flag {flag_name(setting)}")


def from_environment(environ: Mapping[str, str], problems: list[str]) -> Source:
    """Return the source of the settings that variables set; an empty variable sets nothing."""
    docs = documented_settings()
    problems += _unknown_variables(environ, ENV_PREFIX, [doc.env for doc in docs])
    values = {doc.setting: environ.get(doc.env, "").strip() for doc in docs}
    return Source(
        {setting: text for setting, text in values.items() if text},
        lambda setting: f"environment variable {variable_name(setting)}",
    )


def unknown_llama_cloud_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning for each unknown variable that begins like those of LlamaCloud.

    They are no mistakes: other programs have some of their own.
    """
    known = [*LLAMA_CLOUD_VARIABLES, *(doc.env for doc in documented_settings())]
    return tuple(_unknown_variables(environ, "LLAMA_CLOUD_", known))


def from_file(path: Path, tree: Mapping[str, Any], problems: list[str]) -> Source:
    """Return the source of the settings in a YAML file; a setting that is null is not set."""
    place = escaped(str(path))
    found: list[str] = []
    values = dict(_settings_in(tree, "", found))
    problems += [f"{place}: {problem}" for problem in found]
    return Source(values, lambda setting: f"{place}: {setting}", path.parent)


def _unknown_variables(environ: Mapping[str, str], prefix: str, known: list[str]) -> Iterator[str]:
    for name, value in environ.items():
        is_ours = name.upper().startswith(prefix) and not is_service_link(prefix, name, value)
        if is_ours and name not in known:
            yield f"environment variable {unknown(name, known)}"


def _settings_in(
    tree: Mapping[str, Any], prefix: str, problems: list[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the settings in the file, or in its group with this ``prefix``, with their values."""
    known = [doc.setting for doc in documented_settings() if doc.setting != "config.file"]
    groups = list(dict.fromkeys(setting.partition(".")[0] for setting in known))
    for key, value in tree.items():
        name = f"{prefix}{key}"
        as_setting = name.lstrip("-").replace("-", "_")
        if key.partition(".")[0] == "config" and not prefix:
            problems.append("config has no place in the file; name the file by flag or variable.")
        elif "." in key and as_setting in known:
            *_, group, member = as_setting.split(".")
            nested = f'write "{member}:" on an indented line below "{group}:"'
            problems.append(f"{name} must be nested; {nested}.")
        elif name in known:
            if value is not None:
                yield name, value
        elif not any(setting.startswith(f"{name}.") for setting in known):
            problems.append(unknown(name, known if prefix else groups))
        elif isinstance(value, dict):
            yield from _settings_in(value, f"{name}.", problems)
        elif value is not None:
            problems.append(
                f'{name} must hold settings on indented lines below it, such as "'
                f'{example_in(name)}", with a space after the colon.'
            )
