"""What a server has logged."""

from __future__ import annotations

import io
import json
import time
from typing import Any


def read(lines: io.StringIO, event: str = "request", id: str | None = None) -> list[dict[str, Any]]:
    """All lines, once there is one of ``event`` (and of the request ``id``): the server writes it after the
    client has its answer."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        found = [json.loads(line) for line in lines.getvalue().splitlines()]
        if any(each["event"] == event and id in (None, each.get("request_id")) for each in found):
            return found
        time.sleep(0.01)
    raise AssertionError(f"no line of {event}: {lines.getvalue()}")
