"""The batch-processing API, generation v1beta."""

from exporter.llamacloud.v1beta.api import V1BetaApi

__all__ = ["V1BetaApi"]
