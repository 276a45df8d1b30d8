"""The batch-processing API, generation v1beta."""

from exporter.llamacloud.v1beta.api import API_VERSION, V1BetaApi

__all__ = ["API_VERSION", "V1BetaApi"]
