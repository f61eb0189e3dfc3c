"""The ``cuboid`` command."""
