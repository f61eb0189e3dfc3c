"""Options of the SQL tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-shapes", action="store_true", help="write the golden statements anew")
