"""The batches API, generation v2."""

from exporter.llamacloud.v2.api import V2Api

__all__ = ["V2Api"]
