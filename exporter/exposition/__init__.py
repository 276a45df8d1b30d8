"""Views as exposition bytes: pure, and rendered once for each change of a project."""

from exporter.exposition.chunks import FAMILIES, ProjectChunks, pieces, render_project
from exporter.exposition.gzip_member import OpenMember
from exporter.exposition.jobs import JOB_FAMILIES
from exporter.exposition.text import Family, Form, header, number, series

__all__ = [
    "FAMILIES",
    "JOB_FAMILIES",
    "Family",
    "Form",
    "OpenMember",
    "ProjectChunks",
    "header",
    "number",
    "pieces",
    "render_project",
    "series",
]
