"""Everything that has no route: Express' 404 page, for a wrong method on a known path too.

Never 405 and never 502: Cube's clients read the first as an unknown failure and repeat the second for ever.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable
from typing import Any

from cuboid.http.handler import Handler

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>Cannot {method} {path}</pre>
</body>
</html>
"""


class FallbackHandler(Handler):
    """Answers before the method is looked at, so that methods nobody has heard of get the page too."""

    def prepare(self) -> Awaitable[None] | None:
        super().prepare()
        if not self._finished:
            self._answer()
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A method that Tornado does not know never reaches :meth:`prepare`."""
        self._answer()

    def _answer(self) -> None:
        self.set_status(404)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        method, path = html.escape(self.request.method or ""), html.escape(self.request.path)
        self.finish(PAGE.format(method=method, path=path))
