"""``GET /``: a page that says what runs here and where its API is; the same in production and in dev mode."""

from __future__ import annotations

import html

from cuboid import __version__
from cuboid.http.handler import Handler

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Cuboid</title>
</head>
<body>
<h1>Cuboid {version}</h1>
<p>Cuboid runs. Its API has the base path <code>{base}</code>:</p>
<ul>
<li><code>{api}/load</code> answers queries</li>
<li><code>{api}/sql</code> shows their SQL</li>
<li><code>{api}/meta</code> lists what may be asked</li>
</ul>
</body>
</html>
"""


class NoticeHandler(Handler):
    """Nothing here needs a token, and nothing is told that would."""

    def get(self) -> None:
        base = html.escape(f"/{self.site.settings.base_path.strip('/')}")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(PAGE.format(version=html.escape(__version__), base=base, api=f"{base.rstrip('/')}/v1"))

    head = get
