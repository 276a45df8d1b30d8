"""The page that a person sees who opens the exporter's address."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Collection


def landing_page(version: str, telemetry_path: str, projects: Collection[str]) -> tuple[str, str]:
    """Write the page, and the Content-Security-Policy that lets nothing but its style apply.

    Its links are relative, so that it works behind a path of a proxy.
    """
    style = _read("landing.css")
    html = Template(_read("landing.html")).substitute(
        style=style,
        version=_safe(version),
        telemetry_path=_safe(telemetry_path),
        telemetry_link=_safe("./" + telemetry_path.lstrip("/")),
        projects="\n".join(f"<li>{_safe(project)}</li>" for project in sorted(projects)),
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _safe(text: str) -> str:
    return escape(well_formed(text))


@cache
def _read(name: str) -> str:
    return files("exporter").joinpath(name).read_text("utf-8")
