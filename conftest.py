"""Tests of every folder see the engines' fixtures and options."""

pytest_plugins = ["tests.engines.fixtures"]
