"""The settings: read from flags, environment and file, and validated."""

from exporter.addresses import ListenAddress
from exporter.config.check_report import describe
from exporter.config.documentation import (
    LLAMA_CLOUD_VARIABLES,
    PROJECTS,
    SettingDoc,
    documented_settings,
)
from exporter.config.errors import ConfigError
from exporter.config.flags import Mode
from exporter.config.keys import ApiKey
from exporter.config.load import Command, load
from exporter.config.model import Settings
from exporter.config.project import Project

__all__ = [
    "LLAMA_CLOUD_VARIABLES",
    "PROJECTS",
    "ApiKey",
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
]
