"""The OpenAPI document as a page to browse: every route and schema, folded; no script, nothing from elsewhere."""

from __future__ import annotations

import html
from typing import Any

import orjson

from cuboid.http.handler import Handler

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
code, pre {{ font: 14px/1.4 ui-monospace, monospace; }}
pre {{ background: #f5f5f5; padding: .75rem; overflow-x: auto; }}
details {{ border-top: 1px solid #ddd; padding: .4rem 0; }}
summary {{ cursor: pointer; }}
b {{ display: inline-block; min-width: 3.5rem; }}
table {{ border-collapse: collapse; }}
td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; }}
</style>
</head>
<body>
<h1>{title} {version}</h1>
<p>{description} The same as JSON: <a href="openapi.json">openapi.json</a>.</p>
<h2>Routes</h2>
{routes}
<h2>Schemas</h2>
{schemas}
</body>
</html>
"""


def reference_page(document: dict[str, Any]) -> str:
    """The document for readers: every route and schema, folded."""
    info = document["info"]
    routes = [
        _route(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<details id="{name}"><summary><code>{name}</code> {_escape(schema.get("description", ""))}</summary>'
        f"{_code(schema)}</details>"
        for name, schema in document["components"]["schemas"].items()
    ]
    return PAGE.format(
        title=_escape(info["title"]),
        version=_escape(info["version"]),
        description=_escape(info["description"]),
        routes="\n".join(routes),
        schemas="\n".join(schemas),
    )


def _route(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{_escape(operation.get('description', ''))}</p>"]
    if operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{_escape(each['name'])}</code></td><td>{_escape(each['description'])}</td></tr>"
            for each in operation["parameters"]
        )
        parts.append(f"<table>{rows}</table>")
    if "requestBody" in operation:
        parts.append(f"<h4>Body</h4>{_code(operation['requestBody']['content'])}")
    for status, answer in operation["responses"].items():
        parts.append(f"<h4>{status}: {_escape(answer['description'])}</h4>")
        if status == "200":
            parts.append(_code(answer.get("content", {})))
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{_escape(path)}</code> "
        f"{_escape(operation['summary'])}</summary>{''.join(parts)}</details>"
    )


def _code(value: object) -> str:
    return f"<pre>{_escape(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())}</pre>"


def _escape(text: str) -> str:
    return html.escape(text)


class ReferenceHandler(Handler):
    """``GET /docs``: the document as a page without scripts or anything from elsewhere."""

    def initialize(self, page: bytes) -> None:
        self._page = page

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(self._page)

    head = get
