"""The batches API, generation v2."""
