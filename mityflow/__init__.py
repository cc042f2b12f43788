"""mityflow: a declarative, YAML-defined workflow runner for software delivery."""

__version__ = "0.1.0"
