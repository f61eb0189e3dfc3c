"""Three tenants of four roles each, and what each of them may see of one table, computed from its rows."""

from __future__ import annotations

import itertools
from typing import Any

TENANTS = ("acme", "bolt", "corp")
REGIONS = ("north", "south")
ROLES = ("manager", "seller", "auditor", "guest")
ROWS = [
    (number, tenant, region, f"{tenant}-{region}-note-{copy}", 10**copy * (number + 1))
    for number, (tenant, region, copy) in enumerate(itertools.product(TENANTS, REGIONS, range(2)))
]
VALUES = ", ".join(map(str, ROWS))
TABLE = f"CREATE TABLE notes AS SELECT * FROM (VALUES {VALUES}) AS t (id, tenant, region, note, amount)"
QUERY = {"measures": ["notes.total"], "dimensions": ["notes.note"], "order": {"notes.note": "asc"}}

Principal = tuple[str, str]
PRINCIPALS: list[Principal] = list(itertools.product(TENANTS, ROLES))


def claims(tenant: str, role: str) -> dict[str, Any]:
    return {"tenant": tenant, "groups": [role], "region": "south"}


def due(tenant: str, role: str) -> list[dict[str, str]]:
    """The rows that this principal gets; to guests no policy gives any."""
    if role == "guest":
        return []
    own = [row for row in ROWS if row[1] == tenant and (role != "seller" or row[2] == "south")]
    if role == "auditor":
        return [{"notes.note": "***", "notes.total": str(sum(row[4] for row in own))}]
    return [{"notes.note": row[3], "notes.total": str(row[4])} for row in sorted(own, key=lambda row: row[3])]


def check_text(principal: Principal, text: str) -> None:
    """No other tenant is spoken of, nor, to those who may not see it, a note of one's own."""
    tenant, role = principal
    for other in TENANTS:
        for region in REGIONS:
            shown = other == tenant and (role == "manager" or (role == "seller" and region == "south"))
            assert shown or f"{other}-{region}-note" not in text, (principal, text)


def check_rows(principal: Principal, status: int, body: Any) -> None:
    assert (status, body.get("data")) == (200, due(*principal)), (principal, body)


class Same:
    """A digest that tells nothing apart."""

    def __init__(self, *args: object, **options: object) -> None: ...

    def update(self, data: bytes) -> None: ...

    def digest(self) -> bytes:
        return b"same"

    def hexdigest(self) -> str:
        return "0" * 12
