"""``/v1/dry-run``: what a query means, with nothing run."""

from __future__ import annotations

from typing import Any

import pytest

DAILY = {
    "measures": ["Orders.count"],
    "timeDimensions": [
        {
            "dimension": "Orders.createdAt",
            "granularity": "day",
            "dateRange": ["2024-01-01", "2024-01-02"],
        }
    ],
}


def without_hierarchies(body: dict[str, Any]) -> dict[str, Any]:
    """The recordings leave the long ``granularityHierarchies`` out."""
    return {
        **body,
        "transformedQueries": [
            {key: value for key, value in each.items() if key != "granularityHierarchies"}
            for each in body["transformedQueries"]
        ],
    }


@pytest.mark.parametrize("name", ["dryrun_td", "dryrun_compare"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_dry_run_answers_as_recorded_from_cube(
    production: Any, recorded: Any, name: str, method: str
) -> None:
    pair = recorded(name)
    query = pair["request"]["params"]["query"]
    answer = (
        production.get("dry-run", query) if method == "GET" else production.post("dry-run", {"query": query})
    )
    assert answer.status == pair["status"]
    assert list(answer.body) == list(pair["body"])
    assert without_hierarchies(answer.body) == pair["body"]


def test_blended_queries_pivot_by_what_they_share(production: Any) -> None:
    users = {
        "measures": ["Users.count"],
        "dimensions": ["Users.city"],
        "timeDimensions": [{"dimension": "Users.createdAt", "granularity": "day"}],
    }
    body = production.get("dry-run", [DAILY, users]).body
    assert body["queryType"] == "blendingQuery"
    assert body["pivotQuery"] == {
        "measures": ["Orders.count", "Users.count"],
        "dimensions": ["Users.city"],
        "timeDimensions": [{"dimension": "time", "granularity": "day"}],
        "queryType": "blendingQuery",
    }
    assert [query["measures"] for query in body["normalizedQueries"]] == [["Orders.count"], ["Users.count"]]
    assert all("queryType" not in query for query in body["normalizedQueries"])
    assert body["queryOrder"] == [{"Orders.createdAt": "asc"}, {"Users.createdAt": "asc"}]


def test_the_order_is_told_in_the_two_forms_that_clients_read(production: Any) -> None:
    query = {"measures": ["Orders.count"], "order": [["Orders.count", "desc"]]}
    body = production.get("dry-run", query).body
    assert body["queryOrder"] == [{"Orders.count": "desc"}]
    assert body["normalizedQueries"][0]["order"] == [{"id": "Orders.count", "desc": True}]
    assert production.get("dry-run", {"measures": ["Orders.count"]}).body["queryOrder"] == [{}]


def test_the_cache_mode_is_shown(production: Any) -> None:
    query = {"measures": ["Orders.count"], "cache": "no-cache"}
    assert production.get("dry-run", query).body["normalizedQueries"][0]["cacheMode"] == "no-cache"


def test_mistakes_in_a_query_are_found_without_running_it(run: Any, make_service: Any) -> None:
    service = make_service()
    client = run(service, dev=True)
    unknown = client.get("dry-run", {"measures": ["Orders.nope"]})
    assert (unknown.status, unknown.body["error"]) == (400, "'nope' not found for path 'Orders.nope'")
    apart = client.get("dry-run", {"measures": ["Orders.count"], "dimensions": ["Lonely.n"]})
    assert apart.status == 400
    assert client.get("dry-run").body["error"] == "Query param is required"
    assert client.get("dry-run", {"measures": ["Missing.count"]}).status == 200
    assert service._data_sources["default"].driver.runs == 0


def test_a_query_is_shown_as_sent_not_as_plugins_change_it(run: Any, make_service: Any) -> None:
    secret = {"member": "Orders.status", "operator": "equals", "values": ["paid"]}
    client = run(make_service(rewrite_query=lambda query, who: {**query, "filters": [secret]}), dev=True)
    assert client.get("dry-run", {"measures": ["Orders.count"]}).body["pivotQuery"]["filters"] == []
    assert client.get("load", {"measures": ["Orders.count"]}).body["query"]["filters"] == [secret]


def transformed(client: Any, **query: Any) -> dict[str, Any]:
    answer = client.get("sql", query)
    assert answer.status == 200, answer.raw
    found: dict[str, Any] = answer.body["sql"]["canUseTransformedQuery"]
    assert client.get("dry-run", query).body["transformedQueries"] == [found]
    return found


def test_a_ratio_is_taken_apart_into_its_additive_parts(production: Any) -> None:
    found = transformed(production, measures=["Orders.ratio"])
    assert found["isAdditive"] is False
    assert found["leafMeasureAdditive"] is True
    assert found["leafMeasures"] == ["Orders.paidCount", "Orders.count"]
    assert found["measureToLeafMeasures"] == {
        "Orders.ratio": [
            {"measure": "Orders.paidCount", "additive": True, "type": "count"},
            {"measure": "Orders.count", "additive": True, "type": "count"},
        ]
    }


def test_an_average_is_not_additive(production: Any) -> None:
    found = transformed(production, measures=["Orders.avgAmount"])
    assert (found["isAdditive"], found["leafMeasureAdditive"]) == (False, False)


def test_filters_count_among_the_dimensions(production: Any) -> None:
    paid = {"member": "Orders.status", "operator": "equals", "values": ["paid"]}
    found = transformed(production, measures=["Orders.count"], dimensions=["Users.city"], filters=[paid])
    assert found["sortedDimensions"] == ["Orders.status", "Users.city"]
    assert found["allFiltersWithinSelectedDimensions"] is False
    assert found["filterDimensionsSingleValueEqual"] == {"Users.city": True, "Orders.status": True}
    unlike = {**paid, "operator": "notEquals"}
    found = transformed(production, measures=["Orders.count"], dimensions=["Orders.status"], filters=[unlike])
    assert found["allFiltersWithinSelectedDimensions"] is True
    assert found["filterDimensionsSingleValueEqual"] is None


@pytest.mark.parametrize(
    ("range_", "granularity"),
    [
        (["2024-01-01", "2024-12-31"], "year"),
        (["2024-04-01", "2024-06-30"], "quarter"),
        (["2024-02-01", "2024-02-29"], "month"),
        (["2024-01-08", "2024-01-14"], "week"),
        (["2024-01-09", "2024-01-14"], "day"),
        (["2024-01-09T05:00:00", "2024-01-09T06:59:59.999"], "hour"),
        (["2024-01-09T05:01:00", "2024-01-09T06:59:59.999"], "minute"),
        (["2024-01-09T05:00:01", "2024-01-09T06:59:59.999"], "second"),
    ],
)
def test_a_range_needs_a_granularity_that_tells_its_bounds(
    production: Any, range_: list[str], granularity: str
) -> None:
    times = [{"dimension": "Orders.createdAt", "dateRange": range_}]
    found = transformed(production, measures=["Orders.count"], timeDimensions=times)
    assert found["sortedTimeDimensions"] == [["Orders.createdAt", granularity]]
    assert found["timeDimensions"] == [["Orders.createdAt", None]]
    assert found["hasNoTimeDimensionsWithoutGranularity"] is False


def test_granularities_are_made_of_finer_ones(production: Any) -> None:
    times = [{"dimension": "Orders.createdAt", "granularity": "half"}]
    found = transformed(production, measures=["Orders.count"], timeDimensions=times)["granularityHierarchies"]
    day = ["day", "hour", "minute", "second"]
    assert found["Orders.createdAt.half"] == ["half", "quarter", "month", *day]
    assert found["Orders.createdAt.fiscal_year"] == ["fiscal_year", "month", *day]
    assert found["Orders.createdAt.week"] == ["week", *day]
    assert found["Orders.createdAt.month"] == ["month", *day]


def test_members_of_a_view_are_told_with_their_origins(production: Any) -> None:
    found = transformed(production, measures=["orders_view.count"], dimensions=["orders_view.Users_city"])
    assert found["ownedDimensions"] == ["Users.city"]
    assert found["leafMeasures"] == ["Orders.count"]
    assert found["isAdditive"] is True
    assert found["allBackAliasMembers"] == {
        "Orders.count": "orders_view.count",
        "Users.city": "orders_view.Users_city",
    }


def test_measures_whose_rows_a_join_repeats_are_told(production: Any) -> None:
    to_one = transformed(production, measures=["Orders.count"], dimensions=["Users.city"])
    to_many = transformed(production, measures=["Users.count"], dimensions=["Orders.status"])
    assert (to_one["hasMultipliedMeasures"], to_many["hasMultipliedMeasures"]) == (False, True)


def test_rows_that_are_not_grouped_are_told_with_their_keys(production: Any) -> None:
    found = transformed(production, dimensions=["Orders.status", "Users.city"], ungrouped=True)
    assert found["ungrouped"] is True
    assert found["sortedAllCubeNames"] == ["Orders", "Users"]
    assert found["sortedUsedCubePrimaryKeys"] == ["Orders.id", "Users.id"]


def test_dev_mode_shows_it_beside_the_rows(dev: Any, production: Any) -> None:
    query = {"measures": ["Orders.count"]}
    shown = dev.get("load", query).body["transformedQuery"]
    assert shown == dev.get("sql", query).body["sql"]["canUseTransformedQuery"]
    assert "transformedQuery" not in production.get("load", query).body
