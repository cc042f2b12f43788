"""Workflows that can be run by name."""
