"""The servers of the HTTP tests, asked by the Python client."""

from tests.http.conftest import catalog, database, make_service, run, token  # noqa: F401 - fixtures
