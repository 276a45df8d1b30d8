"""LlamaCloud over HTTP: the only place that knows its requests, its JSON and its errors."""
