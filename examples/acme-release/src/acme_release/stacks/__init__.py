"""Stacks that applications can be made of."""
