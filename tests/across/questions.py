"""Questions about the shop whose answers are compared between engines: title -> JSON query."""

from __future__ import annotations

from typing import Any

NEW_YORK = "America/New_York"


def by(member: str, granularity: str | None = None, **more: Any) -> dict[str, Any]:
    """A time dimension."""
    return {"dimension": member, **({"granularity": granularity} if granularity else {}), **more}


def where(member: str, operator: str, *values: Any) -> dict[str, Any]:
    """A filter."""
    return {"member": member, "operator": operator, **({"values": list(values)} if values else {})}


QUESTIONS: dict[str, dict[str, Any]] = {
    "locations, some of them unknown": {
        "dimensions": ["places.id", "places.place"],
        "order": {"places.id": "asc"},
        "limit": 50,
    },
    "links with parameters": {
        "dimensions": ["places.id", "places.map___link_whole_url", "places.map___link_begun_url"],
        "order": {"places.id": "asc"},
        "limit": 50,
    },
    "times that are stored as texts": {
        "dimensions": ["places.id"],
        "timeDimensions": [by("places.noted", "hour", dateRange=["2024-03-05", "2024-03-05"])],
        "filters": [where("places.noted", "afterDate", "2024-03-05T05:20:29")],
        "timezone": NEW_YORK,
        "order": {"places.id": "asc"},
        "limit": 5,
    },
    # ------------------------------------------------------------ windows and stages
    "windows over a range": {
        "measures": ["sold.week", "sold.running", "sold.month_to_date", "sold.count"],
        "timeDimensions": [by("sold.at", "day", dateRange=["2024-02-20", "2024-04-10"])],
        "timezone": NEW_YORK,
    },
    "windows by a dimension, without a range": {
        "measures": ["sold.buyers", "sold.running"],
        "dimensions": ["sold.channel"],
        "timeDimensions": [by("sold.at", "month")],
        "timezone": NEW_YORK,
    },
    "windows of custom buckets": {
        "measures": ["sold.week"],
        "timeDimensions": [by("sold.at", "ten_days")],
    },
    "windows of halves": {
        "measures": ["sold.buyers"],
        "timeDimensions": [by("sold.at", "half")],
    },
    "windows over repeated rows": {
        "measures": ["sold.week", "sold.buyers"],
        "dimensions": ["lines_sold.product"],
        "timeDimensions": [by("sold.at", "week", dateRange=["2024-02-20", "2024-03-10"])],
    },
    "a window without granularity": {
        "measures": ["sold.week", "sold.buyers"],
        "timeDimensions": [by("sold.at", dateRange=["2024-02-20", "2024-03-10"])],
    },
    "windows over nothing": {
        "measures": ["sold.week", "sold.running"],
        "timeDimensions": [by("sold.at", "day", dateRange=["1990-02-20", "1990-03-10"])],
    },
    "a window over measures": {
        "measures": ["sold.best_day"],
        "timeDimensions": [by("sold.at", "day", dateRange=["2024-02-20", "2024-03-10"])],
    },
    "last month and last week": {
        "measures": ["sold.count", "sold.last_month", "sold.last_week"],
        "timeDimensions": [by("sold.at", "week", dateRange=["2024-03-01", "2024-05-31"])],
        "timezone": NEW_YORK,
    },
    "shares, ranks and labels": {
        "measures": ["sold.share", "sold.place", "sold.label", "sold.of_buyers"],
        "dimensions": ["sold.channel"],
        "timeDimensions": [by("sold.at", "quarter")],
    },
    "ranks that are asked for": {
        "measures": ["sold.place"],
        "dimensions": ["sold.channel"],
        "filters": [where("sold.place", "lte", "2")],
    },
    # ------------------------------------------------------------ views
    "a view over four cubes": {
        "measures": ["sales.count", "sales.units", "sales.buyers"],
        "dimensions": ["sales.product_category", "sales.customer_country"],
        "timeDimensions": [by("sales.created_at", "quarter")],
        "filters": [where("sales.channel", "set"), where("sales.units", "gt", "5")],
        "timezone": NEW_YORK,
    },
    "a count of a view, by what repeats it": {
        "measures": ["sales.buyers", "sales.count"],
        "dimensions": ["sales.product_category"],
    },
    # ------------------------------------------------------------ numbers
    "a count": {"measures": ["orders.count"]},
    "a sum of decimals": {"measures": ["orders.shipping_total", "returns.refunded"]},
    "a sum of products of decimals": {
        "measures": ["line_items.revenue"],
        "dimensions": ["products.category"],
    },
    "a decimal column": {"dimensions": ["products.id", "products.price"], "limit": 50},
    "a product of decimals": {"dimensions": ["line_items.amount"], "limit": 50},
    "a decimal with NULLs": {"dimensions": ["line_items.discount"], "measures": ["line_items.count"]},
    "averages of integers": {
        "measures": ["users.average_age", "Reviews.averageRating"],
        "dimensions": ["users.city"],
    },
    "averages of decimals": {
        "measures": ["products.average_price", "line_items.average_price"],
        "dimensions": ["products.category"],
    },
    "groups in the order of an average": {
        "measures": ["line_items.average_price"],
        "dimensions": ["products.name"],
        "order": {"line_items.average_price": "desc"},
        "limit": 30,
    },
    "smallest and largest": {
        "measures": ["users.youngest", "users.oldest"],
        "dimensions": ["users.country"],
        "filters": [where("users.country", "set")],
    },
    "distinct counts": {"measures": ["orders.buyers", "users.city_count"], "dimensions": ["orders.channel"]},
    "a ratio in a hundred": {"measures": ["orders.cancelled_share"], "dimensions": ["orders.channel"]},
    "a ratio of counts": {"measures": ["orders.orders_per_buyer"], "dimensions": ["users.city"]},
    "a ratio of a decimal and an integer": {
        "measures": ["line_items.revenue_per_unit"],
        "dimensions": ["products.category"],
    },
    "a ratio over two cubes": {"measures": ["returns.return_rate"], "dimensions": ["products.category"]},
    "a ratio over nothing": {
        "measures": ["orders.cancelled_share", "line_items.revenue_per_unit"],
        "filters": [where("orders.id", "equals", "-1")],
    },
    "measures over nothing": {
        "measures": ["orders.count", "orders.shipping_total", "users.average_age", "users.oldest"],
        "filters": [where("orders.id", "equals", "-1")],
    },
    # ------------------------------------------------------------ texts, truth values, NULLs
    "groups with a NULL among them": {"measures": ["orders.count"], "dimensions": ["orders.channel"]},
    "NULLs last, upwards": {
        "measures": ["users.count"],
        "dimensions": ["users.city"],
        "order": {"users.city": "asc"},
    },
    "NULLs last, downwards": {
        "measures": ["users.count"],
        "dimensions": ["users.city"],
        "order": {"users.city": "desc"},
    },
    "NULLs last in a measure": {
        "measures": ["users.average_age"],
        "dimensions": ["users.id"],
        "order": {"users.average_age": "desc"},
        "offset": 150,
    },
    "a truth value": {"measures": ["orders.count"], "dimensions": ["orders.is_gift"]},
    "a truth value downwards": {
        "measures": ["products.count"],
        "dimensions": ["products.discontinued"],
        "order": {"products.discontinued": "desc"},
    },
    "a filter by a truth value": {
        "measures": ["users.count"],
        "dimensions": ["users.newsletter"],
        "filters": [where("users.newsletter", "notEquals", "true")],
    },
    "a truth value, a text and a time aggregated": {
        "measures": ["orders.any_gift", "orders.first_channel", "orders.last_order_at"],
        "dimensions": ["users.country"],
        "timezone": NEW_YORK,
    },
    "aggregates of several facts": {
        "measures": ["orders.any_gift", "orders.first_channel", "orders.last_order_at", "Reviews.count"],
        "dimensions": ["users.country"],
    },
    "a text put together": {"dimensions": ["users.name"], "limit": 20, "order": {"users.name": "desc"}},
    "a case": {"measures": ["users.count"], "dimensions": ["users.age_group"]},
    "a case over a time": {"measures": ["orders.count"], "dimensions": ["orders.delivery"]},
    "letters without regard to case": {
        "measures": ["users.count"],
        "dimensions": ["users.city"],
        "filters": [where("users.city", "contains", "MÜN", "o")],
    },
    "a quote in a search": {
        "measures": ["users.count"],
        "filters": [where("users.name", "startsWith", "o'neil")],
    },
    "signs that mean something in a pattern": {
        "measures": ["users.count"],
        "filters": [where("users.name", "notContains", "%", "_", "\\")],
    },
    # ------------------------------------------------------------ times
    "days": {
        "measures": ["orders.count"],
        "timeDimensions": [by("orders.created_at", "day", dateRange=["2024-01-01", "2024-03-31"])],
    },
    "weeks over two years in a zone": {
        "measures": ["orders.count", "orders.shipping_total"],
        "timeDimensions": [by("orders.created_at", "week")],
        "timezone": "Asia/Kathmandu",
    },
    "hours around a change of the clock": {
        "measures": ["orders.count"],
        "timeDimensions": [by("orders.created_at", "hour", dateRange=["2024-10-26", "2024-11-04"])],
        "timezone": NEW_YORK,
    },
    "instants with milliseconds in a zone": {
        "dimensions": ["orders.id", "orders.shipped_at", "orders.created_at"],
        "timezone": "Australia/Lord_Howe",
        "limit": 40,
    },
    "quarters of dates that no zone moves": {
        "measures": ["products.count"],
        "timeDimensions": [by("products.launched_on", "quarter")],
        "timezone": NEW_YORK,
    },
    "a date column": {"dimensions": ["products.id", "products.launched_on"], "limit": 20},
    "two periods compared": {
        "measures": ["orders.count"],
        "timeDimensions": [
            by(
                "orders.created_at",
                "month",
                compareDateRange=[["2023-01-01", "2023-03-31"], ["2024-01-01", "2024-03-31"]],
            )
        ],
    },
    # ------------------------------------------------------------ joins, pages, shapes
    "several facts": {
        "measures": ["line_items.revenue", "orders.count", "Reviews.count", "users.count"],
        "dimensions": ["users.city"],
    },
    "facts of one product": {
        "measures": ["line_items.units", "Reviews.count", "returns.units"],
        "dimensions": ["products.discontinued", "suppliers.country"],
    },
    "a filter on a measure": {
        "measures": ["orders.count", "line_items.revenue"],
        "dimensions": ["users.name"],
        "filters": [where("line_items.revenue", "gt", "500.5")],
        "order": {"line_items.revenue": "desc"},
    },
    "one or over a measure and a dimension": {
        "measures": ["orders.count"],
        "dimensions": ["users.city"],
        "filters": [
            {"or": [where("orders.count", "lt", "100"), where("users.city", "equals", "Roma", None)]}
        ],
    },
    "a page and the total": {
        "measures": ["orders.count"],
        "dimensions": ["users.id"],
        "order": {"orders.count": "desc"},
        "limit": 7,
        "offset": 11,
        "total": True,
    },
    "rows as they are": {
        "dimensions": ["orders.id", "orders.status", "orders.is_gift", "orders.shipping", "users.city"],
        "measures": ["orders.count", "orders.shipping_total"],
        "ungrouped": True,
        "order": {"orders.id": "asc"},
        "limit": 30,
    },
    "a segment": {
        "measures": ["orders.count"],
        "segments": ["orders.gifts"],
        "dimensions": ["orders.status"],
    },
    "a segment with a NOT": {"measures": ["products.count"], "segments": ["products.current"]},
    "compact": {
        "measures": ["orders.count", "orders.shipping_total"],
        "dimensions": ["orders.channel"],
        "responseFormat": "compact",
    },
}
