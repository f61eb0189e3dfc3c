"""Cube models in JavaScript, as far as they are static: ``cube(...)`` and ``view(...)`` with object literals."""
