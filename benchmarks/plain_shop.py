"""The demo shop without its own rule on queries: what every request would ask a plugin is not what is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET = "a secret of this benchmark alone, and long enough for HS256"
PLUGIN = """
import cuboid

@cuboid.hookimpl
def register_template_variables(variable, filter):
    variable("return_reasons", ("damaged", "wrong size", "changed mind", "late", "not as described"))
    filter("identifier", lambda text: text.replace(" ", "_"))
"""


@contextmanager
def plain_shop(shop: Path) -> Iterator[Path]:
    """A project over the shop's model and data that takes tokens signed with :data:`SECRET`."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in ("model", "data"):
            (project / name).symlink_to((shop / name).resolve())
        database = (shop / "data" / "shop.duckdb").resolve()
        (project / "cuboid.yml").write_text(
            f"data_sources: {{default: {{driver: duckdb, database: {database}}}}}\napi_secret: {SECRET}\n"
        )
        (project / "cuboid_plugin.py").write_text(PLUGIN)
        yield project
