"""Rendering views as exposition bytes, once for each change of a project."""

from exporter.exposition.chunks import FAMILIES as FAMILIES
from exporter.exposition.chunks import ProjectChunks as ProjectChunks
from exporter.exposition.chunks import pieces as pieces
from exporter.exposition.chunks import render_project as render_project
from exporter.exposition.gzip_member import OpenMember as OpenMember
from exporter.exposition.job_families import JOB_FAMILIES as JOB_FAMILIES
from exporter.exposition.text import Family as Family
from exporter.exposition.text import Form as Form
from exporter.exposition.text import header as header
from exporter.exposition.text import number as number
from exporter.exposition.text import series as series
