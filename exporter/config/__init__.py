"""The settings, from flags, environment and file, and nothing that acts on them."""

from exporter.addresses import ListenAddress
from exporter.config.documentation import (
    LLAMA_CLOUD_VARIABLES,
    SettingDoc,
    documented_settings,
)
from exporter.config.errors import ConfigError
from exporter.config.flags import Mode
from exporter.config.load import (
    Command,
    load,
    serves_and_waits_for_key,
    web_config_file_despite_mistakes,
)
from exporter.config.model import Settings
from exporter.config.project import Project
from exporter.config.report import describe

__all__ = [
    "LLAMA_CLOUD_VARIABLES",
    "Command",
    "ConfigError",
    "ListenAddress",
    "Mode",
    "Project",
    "SettingDoc",
    "Settings",
    "describe",
    "documented_settings",
    "load",
    "serves_and_waits_for_key",
    "web_config_file_despite_mistakes",
]
