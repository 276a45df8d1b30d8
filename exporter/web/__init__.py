"""The HTTP endpoints: metrics, health, lifecycle, status page and JSON."""
