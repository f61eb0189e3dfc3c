"""The oracle's switches, shares, first values and conversions, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.oracle.evaluate import RefusedError, answer
from tests.oracle.expressions import Column, Compare, Constant, Reference, Value
from tests.oracle.members import Conversion, Stage, SwitchCase
from tests.oracle.spans import Span
from tests.oracle.world import Cube, Dimension, Join, Measure, Table, TableColumn, World

SALES = ((1, "Rome", 1), (2, "Rome", 49), (3, "Milan", 30), (4, "Oslo", 100), (5, None, 20))
TOTAL = "sales.total"
SHARE = f"{TOTAL}.percent_of_total"


def sales() -> World:
    """Cities with 100, 50, 30 and 20; ``money`` is the total in EUR, twice that in USD."""
    table = Table(
        "sales",
        (TableColumn("id", "integer"), TableColumn("city", "text"), TableColumn("amount", "integer")),
        SALES,
    )
    amount = Column("sales", "amount")
    case = SwitchCase(
        "sales.currency", (("EUR", Reference("sales", "total")), ("USD", Reference("sales", "double")))
    )
    return World(
        (
            Cube(
                "sales",
                table,
                (
                    Dimension("id", "number", Column("sales", "id"), primary_key=True),
                    Dimension("city", "string", Column("sales", "city")),
                    Dimension("currency", "switch", Constant(None), values=("EUR", "USD", "GBP")),
                ),
                (
                    Measure("count", "count"),
                    Measure("total", "sum", amount),
                    Measure("double", "sum", amount, (Compare(">", amount, Constant(25)),)),
                    Measure("money", "number", stage=Stage(), switch=case),
                ),
            ),
        )
    )


def found(world: World, *columns: str, **query: Any) -> list[tuple[Value, ...]]:
    asked = {"timeDimensions": [], "filters": [], "order": [], **query}
    return sorted((tuple(row[name] for name in columns) for row in answer(world, asked).rows), key=repr)


def by_city(*columns: str, **query: Any) -> list[tuple[Value, ...]]:
    return found(sales(), "sales.city", *columns, dimensions=["sales.city"], measures=[TOTAL], **query)


def test_a_share_is_of_the_groups_that_rows_have() -> None:
    share: dict[str, Any] = {"percentOfTotal": [{"measure": TOTAL}]}
    cities = [("Milan", 0.15), ("Oslo", 0.5), ("Rome", 0.25), (None, 0.1)]
    assert by_city(SHARE, **share) == cities
    big = {"member": TOTAL, "operator": "gt", "values": ["60"]}
    assert by_city(SHARE, **share, filters=[big]) == [("Oslo", 0.5)]
    south = {"member": "sales.city", "operator": "equals", "values": ["Rome", "Milan"]}
    assert by_city(SHARE, **share, filters=[south]) == [("Milan", 0.375), ("Rome", 0.625)]
    within = {"percentOfTotal": [{"measure": TOTAL, "within": ["sales.city"]}]}
    assert {row[1] for row in by_city(SHARE, **within)} == {1.0}


def test_the_first_values_and_the_others() -> None:
    top = {"dimension": "sales.city", "by": "sales.count", "limit": 2}
    assert by_city(TOTAL, top=top) == [("Milan", 30), ("Rome", 50)]
    assert by_city(TOTAL, top={**top, "others": "rest"}) == [("Milan", 30), ("Rome", 50), ("rest", 120)]
    assert by_city(TOTAL, top={**top, "others": None}) == [("Milan", 30), ("Rome", 50), (None, 120)]
    assert by_city(TOTAL, top={**top, "others": "Milan"}) == [("Milan", 150), ("Rome", 50)]
    last = {**top, "by": TOTAL, "limit": 4}
    assert len(by_city(TOTAL, top=last)) == 4
    assert by_city(SHARE, top=top, percentOfTotal=[{"measure": TOTAL}]) == [("Milan", 0.375), ("Rome", 0.625)]


def test_a_switch_is_grouped_by_or_pinned() -> None:
    money = {"measures": ["sales.money", "sales.count"], "dimensions": ["sales.currency"]}
    columns = ("sales.currency", "sales.money", "sales.count")
    assert found(sales(), *columns, **money) == [("EUR", 200, 5), ("GBP", None, 5), ("USD", 179, 5)]
    usd = {"member": "sales.currency", "operator": "equals", "values": ["USD"]}
    assert found(sales(), *columns, **money, filters=[usd]) == [("USD", 179, 5)]
    assert found(sales(), "sales.money", measures=["sales.money"], dimensions=[], filters=[usd]) == [(179,)]
    none = {"member": "sales.currency", "operator": "equals", "values": ["CHF"]}
    assert found(sales(), *columns, **money, filters=[none]) == []
    either = {"or": [usd, {"member": "sales.city", "operator": "set"}]}
    refused: list[dict[str, Any]] = [
        {"measures": ["sales.money"], "dimensions": []},
        {"dimensions": ["sales.currency"]},
        {**money, "filters": [either]},
    ]
    for query in refused:
        with pytest.raises(RefusedError):
            found(sales(), **query)


ANN, BEN = 1, 2
CALLS = (
    (1, ANN, datetime(2024, 1, 1, 10), "ad"),
    (2, ANN, datetime(2024, 1, 5, 10), "mail"),
    (3, None, datetime(2024, 1, 3), "ad"),
    (4, BEN, datetime(2024, 1, 6), "mail"),
    (5, BEN, datetime(2024, 1, 6), "mail"),
    (6, ANN, None, "ad"),
)
BUYS = ((1, ANN, datetime(2024, 1, 1, 10), "ok"), (2, ANN, datetime(2024, 1, 12, 10), "failed"))


def shop(*measures: Measure) -> World:
    """Ann calls on 1 and 5 January and buys on 1, at the time of the first call, and 12 January."""

    def cube(name: str, text: str, rows: tuple[tuple[Value, ...], ...], *more: Measure) -> Cube:
        types = {"id": "integer", "client_id": "integer", "made_at": "timestamp", text: "text"}
        table = Table(name, tuple(TableColumn(*each) for each in types.items()), rows)  # type: ignore[arg-type]
        return Cube(
            name,
            table,
            (
                Dimension("id", "number", Column(name, "id"), primary_key=True),
                Dimension("at", "time", Column(name, "made_at")),
                Dimension(text, "string", Column(name, text)),
            ),
            (Measure("count", "count"), *more),
            joins=(
                Join(
                    "clients", "many_to_one", Compare("=", Column(name, "client_id"), Column("clients", "id"))
                ),
            ),
        )

    clients = Table("clients", (TableColumn("id", "integer"),), ((ANN,), (BEN,)))
    key = Dimension("id", "number", Column("clients", "id"), primary_key=True)
    return World(
        (
            cube("calls", "channel", CALLS, *measures),
            cube("buys", "state", BUYS),
            Cube("clients", clients, (key,)),
        )
    )


def went(
    *cubes: str, by: str | None = None, value: Any = "count", window: Span | None = None, **query: Any
) -> Any:
    """The conversion through calls and rows of these cubes; by a dimension if there is one."""
    steps = tuple((f"{name}.count", f"{name}.at") for name in ("calls", *cubes))
    measure = Measure("went", "conversion", conversion=Conversion(steps, "clients.id", window, value))
    columns = [by] if by else []
    rows = found(shop(measure), *columns, "calls.went", dimensions=columns, measures=["calls.went"], **query)
    return rows if by else rows[0][0]


def test_a_row_goes_through_if_each_step_follows_in_time() -> None:
    assert went("buys") == 2
    assert (
        went("buys", window=Span(7, "day")) == 1
    )  # the second buy is a week after the second call, to the second
    assert went("buys", window=Span(8, "day")) == 2
    assert went("buys", "buys") == 1
    assert went("buys", value="rate") == 2 / 6
    assert went("buys", by="calls.channel") == [("ad", 1), ("mail", 1)]
    assert went("buys", by="calls.channel", value="rate") == [("ad", 1 / 3), ("mail", 1 / 3)]


def test_steps_of_one_cube_are_different_rows() -> None:
    assert went("calls") == 3
    assert went("calls", "calls") == 0


def test_conditions_are_of_the_first_step_or_of_the_cube_of_a_later_one() -> None:
    failed = {"member": "buys.state", "operator": "equals", "values": ["failed"]}
    assert went("buys", filters=[failed]) == 2
    assert went("buys", filters=[failed], value="rate") == 2 / 6
    by_ad = {"member": "calls.channel", "operator": "equals", "values": ["ad"]}
    assert went("buys", filters=[by_ad]) == 1
    assert went("calls", filters=[by_ad]) == 1
    nothing = {"member": "calls.channel", "operator": "equals", "values": ["fax"]}
    assert went("buys", filters=[nothing]) == 0
    assert went("buys", filters=[nothing], value="rate") is None


def test_a_step_has_a_key() -> None:
    calls, buys, clients = shop().cubes
    measure = Measure(
        "went",
        "conversion",
        conversion=Conversion(
            (("calls.count", "calls.at"), ("buys.count", "buys.at")), "clients.id", None, "count"
        ),
    )
    bare = replace(buys, dimensions=tuple(replace(d, primary_key=False) for d in buys.dimensions))
    world = World((replace(calls, measures=(*calls.measures, measure)), bare, clients))
    with pytest.raises(RefusedError):
        found(world, "calls.went", measures=["calls.went"], dimensions=[])
