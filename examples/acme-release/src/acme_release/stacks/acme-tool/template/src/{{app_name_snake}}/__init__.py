"""The tool {{ app_name }}."""
