"""Row rules over rollups that are kept beside the tables: each principal sees what the tables would show them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.across.beside import CUBE, Place, folded, place
from tests.across.test_original_sql import ORIGINAL, cube, used

__all__ = ["place"]

DAILY: dict[str, Any] = CUBE["pre_aggregations"][0]
LIVE = {"name": "live", "type": "rollup_lambda", "rollups": ["daily"], "union_with_source_data": True}
FROM_ROWS = cube(ORIGINAL, {**DAILY, "use_original_sql_pre_aggregations": True})
OWN_CITY = {"member": "city", "operator": "equals", "values": ["{ securityContext.city }"]}
POLICY = [{"role": "*", "row_level": {"filters": [OWN_CITY]}}]
HOSTILE = "x' OR '1'='1\"`; DROP TABLE orders; -- %s ? $1 {city} \\"
COUNT = {"measures": ["orders.count"]}
ASKED: list[dict[str, Any]] = [
    COUNT,
    {**COUNT, "dimensions": ["orders.city"]},
    {**COUNT, "filters": [{"member": "orders.city", "operator": "notEquals", "values": [HOSTILE]}]},
]
PRINCIPALS: list[dict[str, Any]] = [{"city": "Ámsterdam"}, {"city": "Nowhere"}, {"city": HOSTILE}, {}]


@pytest.mark.parametrize(
    "model",
    [CUBE, {**CUBE, "pre_aggregations": [DAILY, LIVE]}, cube(ORIGINAL), FROM_ROWS],
    ids=["rollup", "lambda", "original-sql", "rollup-of-that"],
)
def test_nobody_sees_rows_of_another(place: Place, model: dict[str, Any]) -> None:
    place.write_cubes({**model, "access_policy": POLICY})

    def answers(opened: Any) -> list[Any]:
        return [opened.results(query, security_context=who)[0] for who in PRINCIPALS for query in ASKED]

    with place.open(rollup_store="none") as opened:
        expected = [folded(each["data"]) for each in answers(opened)]
    # One of the orders is from Amsterdam, none of the others' cities is; whoever has no claim sees nothing.
    assert expected[::3] == [folded([{"orders.count": count}]) for count in ("1", "0", "0", "0")]
    with place.open() as opened:
        for found in (answers(opened), answers(opened)):  # built, then kept
            assert [folded(each["data"]) for each in found] == expected
            assert all(used(each) for each in found)
