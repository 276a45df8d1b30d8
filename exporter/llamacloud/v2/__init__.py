"""The batches API, generation v2."""

from exporter.llamacloud.v2.api import API_VERSION, V2Api

__all__ = ["API_VERSION", "V2Api"]
