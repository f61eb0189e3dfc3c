"""Waiting on the wire: status 200 and ``{"error": "Continue wait"}``; the client repeats its request at once.

Stage and elapsed time stay inside, as in Cube since 2022, but for clients that ask for them: with the parameter
``progress=true`` in the query string, or the header ``x-progress: true``. They then have the form that they had in
Cube until then.
"""

from __future__ import annotations

from typing import Any

import orjson
from tornado.httputil import HTTPServerRequest

from cuboid.types import Pending


def wants_progress(request: HTTPServerRequest) -> bool:
    """Whether the client asks how far its query is."""
    return (
        request.query_arguments.get("progress", [b""])[-1] == b"true"
        or request.headers.get("x-progress", "").lower() == "true"
    )


def continue_wait(pending: Pending | None = None, request_id: str | None = None) -> bytes:
    """The body that asks the client to come back.

    :param pending: shown to clients that ask for it: None for others.
    :param request_id: shown in dev mode only: None elsewhere.
    """
    body: dict[str, Any] = {"error": "Continue wait"}
    if pending is not None:
        elapsed = round(pending.elapsed * 1000)
        stage = {"stage": pending.stage, "timeElapsed": elapsed}
        if pending.position is not None:
            stage["position"] = pending.position
        body |= {"stage": stage, "timeElapsed": elapsed}
    if request_id is not None:
        body["requestId"] = request_id
    return orjson.dumps(body)
