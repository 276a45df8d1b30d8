"""The web configuration file of Prometheus's exporter toolkit: TLS, authentication, headers."""

from exporter.web_config.current import CurrentWebConfig
from exporter.web_config.gate import GateMiddleware
from exporter.web_config.parsing import parse_web_config

__all__ = ["CurrentWebConfig", "GateMiddleware", "parse_web_config"]
