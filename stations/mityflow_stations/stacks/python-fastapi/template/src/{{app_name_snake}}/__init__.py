"""{{ app_name_title }}."""

__version__ = "0.1.0"
