"""LlamaCloud over HTTP: the only package that knows its requests, its JSON and its errors."""
