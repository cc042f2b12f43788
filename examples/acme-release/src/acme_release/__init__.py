"""Stations for releases."""
