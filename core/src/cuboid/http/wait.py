"""Waiting on the wire: status 200 and ``{"error": "Continue wait"}``; the client repeats its request at once.

Stage and elapsed time stay inside, as in Cube since 2022.
"""

from __future__ import annotations

import orjson


def continue_wait(request_id: str | None = None) -> bytes:
    """The body that asks the client to come back.

    :param request_id: shown in dev mode only: None elsewhere.
    """
    body = {"error": "Continue wait"}
    if request_id is not None:
        body["requestId"] = request_id
    return orjson.dumps(body)
