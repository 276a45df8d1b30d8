"""Views as exposition bytes: pure, and rendered once for each change of a project."""

from exporter.exposition.chunks import (
    Chunk,
    ProjectChunks,
    deflate,
    pieces,
    render_project,
)
from exporter.exposition.families import FAMILIES
from exporter.exposition.text import Family, Form, escape, header, number, well_formed

__all__ = [
    "FAMILIES",
    "Chunk",
    "Family",
    "Form",
    "ProjectChunks",
    "deflate",
    "escape",
    "header",
    "number",
    "pieces",
    "render_project",
    "well_formed",
]
