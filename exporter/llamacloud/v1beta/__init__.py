"""The batch-processing API, generation v1beta."""
