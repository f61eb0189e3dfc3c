"""One entry in the body of an answer to ``DELETE /v1/running-query/:id``."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from cuboid.types import Withdrawn


def describe_withdrawn(withdrawn: Withdrawn) -> dict[str, Any]:
    """The keys of Cube's queue definitions, but for the SQL and its values: whoever may ask for rows may not, for
    that, read the filters that policies add. ``stopped`` is ours. Times are milliseconds since 1970."""
    job = withdrawn.job
    name = hashlib.blake2b(job.key.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    entry: dict[str, Any] = {
        "queueId": job.id,
        "queryHandler": "query",
        "query": {"queryKey": name, "requestId": job.request},
        "queryKey": name,
        "stageQueryKey": name,
        "priority": job.priority,
        "requestId": job.request,
        "addedToQueueTime": _milliseconds(withdrawn.added_at),
        "status": ["toProcess"],
        "stopped": withdrawn.stopped,
    }
    if withdrawn.started_at is not None:
        entry["startQueryTime"] = _milliseconds(withdrawn.started_at)
        entry["status"] = ["active"]
    return entry


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
