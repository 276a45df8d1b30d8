"""The web configuration file of Prometheus's exporter toolkit: TLS, authentication, headers.

Nothing is imported here: a health check reads the file, and needs no more than that.
"""
