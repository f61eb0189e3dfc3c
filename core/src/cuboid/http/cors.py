"""Preflight requests of browsers: ``OPTIONS`` on any path."""

from __future__ import annotations

from cuboid.http.handler import Handler


class PreflightHandler(Handler):
    """204 with what the settings allow; the origin's header is on every answer anyway."""

    def options(self) -> None:
        cors = self.site.settings.cors
        self.set_status(204)
        self.set_header("Access-Control-Allow-Methods", ",".join(cors.methods))
        self.set_header("Access-Control-Allow-Headers", ",".join(cors.headers))
        if cors.max_age is not None:
            self.set_header("Access-Control-Max-Age", str(cors.max_age))
        self.finish()
