"""Views as exposition bytes: pure, and rendered once for each change of a project."""

from exporter.exposition.chunks import ProjectChunks, pieces, render_project
from exporter.exposition.families import FAMILIES
from exporter.exposition.gzip_member import OpenMember
from exporter.exposition.jobs import ATTRIBUTE_OF_GAUGE
from exporter.exposition.text import Family, Form, escape, header, number

__all__ = [
    "ATTRIBUTE_OF_GAUGE",
    "FAMILIES",
    "Family",
    "Form",
    "OpenMember",
    "ProjectChunks",
    "escape",
    "header",
    "number",
    "pieces",
    "render_project",
]
