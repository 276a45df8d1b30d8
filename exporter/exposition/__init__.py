"""Views as exposition bytes: pure, and rendered once for each change of a project."""

from exporter.exposition.chunks import ProjectChunks, join, render_project
from exporter.exposition.families import FAMILIES
from exporter.exposition.text import Family, Form, well_formed

__all__ = [
    "FAMILIES",
    "Family",
    "Form",
    "ProjectChunks",
    "join",
    "render_project",
    "well_formed",
]
