"""Prometheus exporter for LlamaCloud batch-processing jobs."""

__version__ = "0.1.0"
