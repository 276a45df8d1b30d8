"""The report of ``--config.check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.documentation import PROJECTS, leaf_fields, written

if TYPE_CHECKING:
    from exporter.config.model import Settings
    from exporter.config.project import Project
from exporter.logs import escaped


def describe(settings: Settings) -> str:
    """Return the settings in effect, on one page and without keys."""
    lines = ["The settings are valid.", "", "projects:"]
    for project in settings.projects:
        lines += _project_lines(project)
    lines += ["", "settings:"]
    names = [name for name, _ in leaf_fields() if name != PROJECTS]
    width = max(map(len, names))
    lines += [
        f"  {name.ljust(width)}  {escaped(written(field, _value(settings, name)))}"
        for name, field in leaf_fields()
        if name != PROJECTS
    ]
    return "\n".join(lines)


def _project_lines(project: Project) -> list[str]:
    facts = {
        "project id": project.project_id or "the key's default project",
        "organization id": project.organization_id,
        "base URL": project.base_url,
        "key from": project.api_key_origin,
        "directories": ", ".join(project.directory_ids),
        "job types": ", ".join(project.job_types),
    }
    width = max(map(len, facts))
    told = [f"    {fact.ljust(width)}  {escaped(text)}" for fact, text in facts.items() if text]
    return [f"  {escaped(project.name)}", *told]


def _value(settings: Settings, name: str) -> object:
    group, _, member = name.partition(".")
    return getattr(getattr(settings, group), member)
