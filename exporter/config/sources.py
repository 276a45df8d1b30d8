"""Where settings come from: each place is a source that pydantic-settings merges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_settings import EnvSettingsSource, InitSettingsSource

from exporter.config.documentation import (
    PROJECTS,
    documented_settings,
    example_of,
    flag_name,
    variable_name,
)
from exporter.config.errors import unknown
from exporter.config.model import ENV_PREFIX, Settings
from exporter.config.values import is_service_link
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Source(InitSettingsSource):
    """Values by group, such as ``{"poll": {"interval": "5m"}}``, from one place.

    ``origin`` tells in words where the place sets a setting; relative paths in the values start
    from ``directory``.
    """

    def __init__(
        self,
        values: dict[str, Any],
        origin: Callable[[str], str] = str,
        directory: Path = Path(),
    ) -> None:
        super().__init__(Settings, values)
        self.origin = origin
        self.directory = directory

    def value(self, setting: str) -> Any:  # noqa: ANN401 - any YAML
        """Return the value of a setting such as ``poll.interval``, ``None`` where it has none."""
        value: Any = self()
        for part in setting.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


def strongest(sources: Iterable[Source], setting: str) -> Source | None:
    """Return the first source that sets a setting."""
    return next((source for source in sources if source.value(setting) is not None), None)


def from_flags(values: dict[str, Any]) -> Source:
    """Return what flags set, without white space around it."""
    return Source(_stripped(values), lambda setting: f"flag {flag_name(setting)}")


def from_environment(environ: Mapping[str, str], problems: list[str]) -> Source:
    """Return what variables set; an empty one sets nothing, one that is unknown is a problem."""
    known = [doc.env for doc in documented_settings()]
    problems += [
        f"environment variable {unknown(name, known)}"
        for name, value in environ.items()
        if name.upper().startswith(ENV_PREFIX)
        if name not in known and not is_service_link(ENV_PREFIX, name, value)
    ]
    variables = EnvSettingsSource(Settings)
    # Variables of whole groups, which pydantic-settings knows too, are no part of our contract.
    values = {name.lower(): environ.get(name, "").strip() for name in known}
    variables.env_vars = {name: value for name, value in values.items() if value}
    return Source(variables(), lambda setting: f"environment variable {variable_name(setting)}")


def from_file(path: Path, tree: Mapping[str, Any], problems: list[str]) -> Source:
    """Return what a file sets; null sets nothing, what is no setting is a problem."""
    place = escaped(str(path))
    found: list[str] = []
    values = {group: _members(group, members, found) for group, members in tree.items()}
    problems += [f"{place}: {problem}" for problem in found]
    kept = {group: members for group, members in values.items() if members is not None}
    return Source(kept, lambda setting: f"{place}: {setting}", path.parent)


def _members(group: str, members: Any, problems: list[str]) -> Any:  # noqa: ANN401 - any YAML
    """Return the members of a group that are set, or the list of projects."""
    known = [doc.setting for doc in documented_settings() if doc.setting != "config.file"]
    groups = list(dict.fromkeys(name.partition(".")[0] for name in known))
    if group == "config":
        problems.append("config has no place in the file; name the file by flag or variable.")
    elif group not in groups:
        problems.append(_written_flat(group, known) or unknown(group, groups))
    elif group == PROJECTS or members is None:
        return members
    elif not isinstance(members, dict):
        example = example_of(next(name for name in known if name.startswith(f"{group}.")))
        problems.append(
            f'{group} must hold settings on indented lines below it, such as "{example}", with a'
            " space after the colon."
        )
    else:
        return _known_members(group, members, known, problems)
    return None


def _known_members(
    group: str, members: dict[str, Any], known: list[str], problems: list[str]
) -> dict[str, Any]:
    kept = {}
    for member, value in members.items():
        name = f"{group}.{member}"
        if name in known:
            if value is not None:
                kept[member] = value
        elif isinstance(value, dict) and any(each.startswith(f"{name}.") for each in known):
            kept[member] = _known_members(name, value, known, problems)
        elif value is not None or not any(each.startswith(f"{name}.") for each in known):
            problems.append(unknown(name, known))
    return kept


def _written_flat(name: str, known: Iterable[str]) -> str | None:
    """Say how a setting is nested that is written as in the documentation, or as its flag."""
    setting = name.lstrip("-").replace("-", "_")
    group, _, member = setting.partition(".")
    if setting not in known or not member:
        return None
    return f'{name} must be nested; write "{member}:" on an indented line below "{group}:".'


def _stripped(values: Any) -> Any:  # noqa: ANN401 - texts, and lists and mappings of them
    if isinstance(values, dict):
        return {name: _stripped(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_stripped(value) for value in values]
    return values.strip()
