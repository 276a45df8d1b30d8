"""Views as exposition bytes: pure, and rendered once for each change of a project."""

from exporter.exposition.chunks import (
    COMPRESSION_LEVEL,
    Chunk,
    ProjectChunks,
    pieces,
    render_project,
)
from exporter.exposition.families import FAMILIES
from exporter.exposition.text import Family, Form, escape, number, well_formed

__all__ = [
    "COMPRESSION_LEVEL",
    "FAMILIES",
    "Chunk",
    "Family",
    "Form",
    "ProjectChunks",
    "escape",
    "number",
    "pieces",
    "render_project",
    "well_formed",
]
