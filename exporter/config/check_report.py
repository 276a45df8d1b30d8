"""The report of ``--config.check``."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from exporter.config.documentation import PROJECTS, documented_settings, written
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config.model import Settings
    from exporter.config.project import Project


def describe(settings: Settings, warnings: Sequence[str] = ()) -> str:
    """Return the report: the settings and the warnings about them, without keys."""
    lines = ["The settings are valid.", ""]
    if warnings:
        lines += ["warnings:", *(f"  {warning}" for warning in warnings), ""]
    lines.append("projects:")
    for project in settings.projects:
        lines += [f"  {escaped(project.name)}", *_aligned("    ", _facts(project))]
    values = {
        doc.setting: written(attrgetter(doc.setting)(settings), doc.metavar)
        for doc in documented_settings()
        if doc.setting != PROJECTS
    }
    return "\n".join([*lines, "", "settings:", *_aligned("  ", values)])


def _facts(project: Project) -> dict[str, str | None]:
    return {
        "project id": project.project_id or "the key's default project",
        "organization id": project.organization_id,
        "base URL": project.base_url,
        "key from": project.key.origin,
        "waited for": project.key.problem,
        "directories": ", ".join(project.directory_ids),
        "job types": ", ".join(project.job_types),
        "API versions": ", ".join(project.api_versions),
    }


def _aligned(indent: str, facts: Mapping[str, str | None]) -> list[str]:
    width = max(map(len, facts))
    return [f"{indent}{fact.ljust(width)}  {escaped(text)}" for fact, text in facts.items() if text]
