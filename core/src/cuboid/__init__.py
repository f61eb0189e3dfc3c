"""Cuboid: a plugin-based semantic layer."""
