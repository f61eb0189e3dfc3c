"""Tests of every folder see the engines' fixtures and options."""

# First: the client's C extension asks for thread-local storage of a kind that a process has little of, and the other
# libraries that a test run loads may have used it up.
import cuboid_mysql.driver  # noqa: F401

pytest_plugins = ["tests.engines.fixtures"]
