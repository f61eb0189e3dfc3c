"""``@cubejs-client/core`` over HTTP: everything its CubeApi asks, and what its ResultSet makes of the answers.

The shop has 1,200 orders, 20 on each of the 60 days from 2024-01-01 on. Counted from 0, order n is of day n % 60, costs
n % 10, and is paid, open or without status by n % 3; so all orders of a day are alike. Of the 700 users user n lives in
city n % 3.
"""

from __future__ import annotations

import json
from typing import Any

DAYS = """{
  measures: ['Sales.count'],
  timeDimensions: [{dimension: 'Sales.createdAt', granularity: 'day', dateRange: ['2023-12-30', '2024-01-02']}]
}"""
BY_STATUS = (
    "{measures: ['Sales.count', 'Sales.total'], dimensions: ['Sales.status'], order: {'Sales.status': 'asc'}}"
)

# ---------------------------------------------------------------- meta, sql, dry run


def test_meta(js: Any) -> None:
    assert js("""
        const meta = await api.meta();
        return {
          names: meta.cubes.map((each) => each.name)
            .filter((name) => ['Sales', 'Secret', 'orders_view'].includes(name)).sort(),
          total: meta.resolveMember('Sales.total', 'measures').title,
          count: meta.resolveMember('Sales.count', 'measures').shortTitle,
          time: meta.defaultTimeDimensionNameFor('Sales.count'),
          between: meta.filterOperatorsForMember('Sales.createdAt', 'dimensions')
            .some((each) => each.name === 'inDateRange'),
          dimensions: meta.membersForQuery({}, 'dimensions')
            .filter((each) => each.name.startsWith('Sales.')).map((each) => each.name),
          missing: meta.resolveMember('Sales.nope', 'measures').error,
        };
    """) == {
        "names": ["Sales", "orders_view"],
        "total": "Sales Total",
        "count": "Number of sales",
        "time": "Sales.createdAt",
        "between": True,
        "dimensions": ["Sales.amount", "Sales.createdAt", "Sales.id", "Sales.status"],
        "missing": "Path not found 'Sales.nope'",
    }


def test_only_views(js: Any) -> None:
    code = "return [...new Set((await api.meta({onlyViews: true})).cubes.map((each) => each.type))]"
    assert js(code) == ["view"]


def test_sql(js: Any) -> None:
    text, raw = js(
        "const sql = await api.sql({measures: ['Sales.count']}); return [sql.sql(), sql.rawQuery().dataSource]"
    )
    assert text.upper().startswith("SELECT")
    assert "public.orders" in text
    assert raw == "default"


def test_dry_run(js: Any) -> None:
    body = js(f"return api.dryRun({DAYS})")
    assert body["queryType"] == "regularQuery"
    assert body["queryOrder"] == [{"Sales.createdAt": "asc"}]
    [time] = body["pivotQuery"]["timeDimensions"]
    assert time["dateRange"] == ["2023-12-30T00:00:00.000", "2024-01-02T23:59:59.999"]
    assert body["transformedQueries"][0]["isAdditive"] is True


def test_a_query_in_sql_is_refused_with_our_text(js: Any) -> None:
    refused = js("return refusal(api.cubeSql('SELECT 1'))")
    assert "SQL interface is not initialized" in refused["message"]


# ---------------------------------------------------------------- loads of every type


def test_a_regular_query(js: Any) -> None:
    assert js(f"return (await api.load({BY_STATUS})).rawData()") == [
        {"Sales.status": "open", "Sales.count": "400", "Sales.total": "1800.00"},
        {"Sales.status": "paid", "Sales.count": "400", "Sales.total": "1800.00"},
        {"Sales.status": None, "Sales.count": "400", "Sales.total": "1800.00"},
    ]


def test_numbers_are_numbers_on_request(js: Any) -> None:
    row = js(f"return (await api.load({BY_STATUS}, {{castNumerics: true}})).rawData()[0]")
    assert row == {"Sales.status": "open", "Sales.count": 400, "Sales.total": 1800}
    assert js(f"return (await connect({{castNumerics: true}}).load({BY_STATUS})).rawData()[0]") == row


def test_compact_and_columnar_answers_are_unpacked(js: Any) -> None:
    expected = js(f"return (await api.load({BY_STATUS})).rawData()")
    for form in ("compact", "columnar"):
        assert js(f"return (await api.load({BY_STATUS}, {{}}, undefined, '{form}')).rawData()") == expected
        first, second = js(f"""
            const several = await api.load([{DAYS}, {DAYS}], {{}}, undefined, '{form}');
            return several.decompose().map((each) => each.rawData());
        """)
        assert first == second
        assert [row["Sales.count"] for row in first] == ["20", "20"]


def test_a_comparison_of_date_ranges(js: Any) -> None:
    compared = """
        const result = await api.load({
          measures: ['Sales.count'],
          timeDimensions: [{
            dimension: 'Sales.createdAt', granularity: 'month',
            compareDateRange: [['2024-01-01', '2024-01-31'], ['2024-02-01', '2024-02-29']],
          }],
        });
    """
    ranges = [
        "2024-01-01T00:00:00.000 - 2024-01-31T23:59:59.999",
        "2024-02-01T00:00:00.000 - 2024-02-29T23:59:59.999",
    ]
    answer = js(
        compared
        + """
            const parts = result.decompose().map((each) => each.rawData());
            return [result.queryType, result.series(), result.chartPivot(), parts];
        """
    )
    kind, series, chart, parts = answer
    assert kind == "compareDateRangeQuery"
    assert [(each["key"], [point["value"] for point in each["series"]]) for each in series] == [
        (f"{ranges[0]},Sales.count", [620]),
        (f"{ranges[1]},Sales.count", [580]),
    ]
    assert [chart[0][f"{each},Sales.count"] for each in ranges] == [620, 580]
    assert [part[0]["Sales.count"] for part in parts] == ["620", "580"]
    refused = js(
        compared + "try { result.drillDown({xValues: []}); } catch (error) { return error.message; }"
    )
    assert refused == "compareDateRange drillDown query is not currently supported"


def test_blended_queries(js: Any) -> None:
    chart, names = js("""
        const time = (dimension, dateRange) => [{dimension, granularity: 'day', dateRange}];
        const range = ['2024-01-01', '2024-01-02'];
        const result = await api.load([
          {measures: ['Sales.count'], timeDimensions: time('Sales.createdAt', range)},
          {measures: ['Sales.total'], timeDimensions: time('Sales.createdAt', range)},
        ]);
        return [result.chartPivot(), result.seriesNames().map((each) => each.key)];
    """)
    assert names == ["Sales.count", "Sales.total"]
    assert [(row["x"], row["Sales.count"], row["Sales.total"]) for row in chart] == [
        ("2024-01-01T00:00:00.000", 20, 0),
        ("2024-01-02T00:00:00.000", 20, 20),
    ]


def test_totals(js: Any) -> None:
    code = "return (await api.load({dimensions: ['Sales.id'], limit: 3, total: true})).totalRows()"
    assert js(code) == 1200


def test_long_queries_travel_by_post(js: Any, production: Any) -> None:
    seen = js("""
        const methods = [];
        const original = globalThis.fetch;
        globalThis.fetch = (url, options) => { methods.push(options.method); return original(url, options); };
        const values = Array.from({length: 500}, (_, index) => `status ${index}`);
        const filters = [{member: 'Sales.status', operator: 'notEquals', values}];
        const long = await api.load({measures: ['Sales.count'], filters});
        // From now on the client says that its GETs have a JSON body, which is empty.
        const short = await api.load({measures: ['Sales.count']});
        const forced = await connect({method: 'POST'}).load({measures: ['Sales.count']});
        globalThis.fetch = original;
        return [methods, ...[long, short, forced].map((each) => each.rawData()[0]['Sales.count'])];
    """)
    assert seen == [["POST", "GET", "POST"], "1200", "1200", "1200"]


# ---------------------------------------------------------------- mistakes, waiting, leaving


def test_mistakes_are_request_errors(js: Any) -> None:
    refused = js("return refusal(api.load({measures: ['Sales.nope']}))")
    assert (refused["message"], refused["status"]) == ("'nope' not found for path 'Sales.nope'", 400)
    assert refused["response"]["type"] == "UserError"
    refused = js("return refusal(connect({}, 'nonsense').load({measures: ['Sales.count']}))")
    assert (refused["message"], refused["status"]) == ("Invalid token", 403)


def test_a_token_may_be_made_for_each_call(js: Any) -> None:
    code = """
        let asked = 0;
        const made = connect({}, async () => { asked += 1; return token; });
        await made.load({measures: ['Sales.count']});
        await made.meta();
        return asked;
    """
    assert js(code) == 2


def test_progress_is_told_while_a_query_is_slow(
    javascript: Any, run: Any, make_service: Any, token: Any
) -> None:
    service = make_service(wait=0.05)
    client = run(service, token=token({}))
    code = """
        const told = [];
        const options = {progressCallback: (each) => told.push([each.stage(), each.timeElapsed()])};
        const result = await connect({headers}).load({measures: ['Slow.total']}, options);
        return [result.rawData()[0]['Slow.total'], told];
    """
    total, told = javascript(client, "const headers = {};" + code)
    assert int(total) > 0
    assert told
    assert all(each == [None, None] for each in told)
    _, told = javascript(client, "const headers = {'x-progress': 'true'};" + code)
    stages = [each[0]["stage"] for each in told if each[0]["stage"] != "Connecting"]
    assert set(stages) == {"Executing query"}
    elapsed = [each[1] for each in told]
    assert elapsed == sorted(elapsed)
    assert service._data_sources["default"].driver.runs == 2


def test_an_aborted_load_stops_its_run(javascript: Any, run: Any, make_service: Any, token: Any) -> None:
    service = make_service(limit=1, wait=60)
    client = run(service, token=token({}))
    answer = javascript(
        client,
        """
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 500);
        const refused = await refusal(api.load({measures: ['Endless.total']}, {signal: controller.signal}));
        // There is one place, and the endless run held it.
        const next = await api.load({measures: ['Sales.count']});
        return [refused.message, next.rawData()];
        """,
    )
    assert answer == ["aborted", [{"Sales.count": "1200"}]]


def test_only_the_last_of_several_loads_counts(js: Any) -> None:
    """A mutex of the client: what a page no longer wants is dropped."""
    assert js("""
        const mutexObj = {};
        const first = api.load({measures: ['Sales.count']}, {mutexObj, mutexKey: 'chart'});
        const second = api.load({measures: ['Users.count']}, {mutexObj, mutexKey: 'chart'});
        return [await first, (await second).rawData()];
    """) == [None, [{"Users.count": "700"}]]


def test_a_subscription_over_http_asks_again_and_again(js: Any) -> None:
    assert (
        js("""
        const heard = calls();
        const subscription = api.subscribe({measures: ['Sales.count']}, {}, heard.take);
        const answers = [];
        for (let round = 0; round < 3; round += 1) {
          const [error, result] = await heard.next();
          answers.push(error ? error.message : result.rawData()[0]['Sales.count']);
        }
        await subscription.unsubscribe();
        return answers;
    """)
        == ["1200"] * 3
    )


# ---------------------------------------------------------------- the ResultSet


def test_missing_days_are_filled(js: Any) -> None:
    chart = js(f"return (await api.load({DAYS})).chartPivot()")
    assert [(row["x"], row["Sales.count"]) for row in chart] == [
        ("2023-12-30T00:00:00.000", 0),
        ("2023-12-31T00:00:00.000", 0),
        ("2024-01-01T00:00:00.000", 20),
        ("2024-01-02T00:00:00.000", 20),
    ]
    code = f"return (await api.load({DAYS})).chartPivot({{fillMissingDates: false}}).map((row) => row.x)"
    assert js(code) == ["2024-01-01T00:00:00.000", "2024-01-02T00:00:00.000"]


def filled(js: Any, granularity: str, start: str, end: str) -> list[tuple[str, int]]:
    time = {"dimension": "Sales.createdAt", "granularity": granularity, "dateRange": [start, end]}
    query = json.dumps({"measures": ["Sales.count"], "timeDimensions": [time]})
    chart = js(f"return (await api.load({query})).chartPivot()")
    return [(row["x"], row["Sales.count"]) for row in chart]


def test_every_granularity_is_filled_by_equal_texts(js: Any) -> None:
    assert filled(js, "month", "2023-12-01", "2024-03-31") == [
        ("2023-12-01T00:00:00.000", 0),
        ("2024-01-01T00:00:00.000", 620),
        ("2024-02-01T00:00:00.000", 580),
        ("2024-03-01T00:00:00.000", 0),
    ]
    assert filled(js, "quarter", "2023-10-01", "2024-03-31") == [
        ("2023-10-01T00:00:00.000", 0),
        ("2024-01-01T00:00:00.000", 1200),
    ]
    assert filled(js, "year", "2023-01-01", "2024-12-31") == [
        ("2023-01-01T00:00:00.000", 0),
        ("2024-01-01T00:00:00.000", 1200),
    ]
    # 2024-01-01 is a Monday; the last of the 60 days, 2024-02-29, is a Thursday.
    assert filled(js, "week", "2024-02-19", "2024-03-03") == [
        ("2024-02-19T00:00:00.000", 140),
        ("2024-02-26T00:00:00.000", 80),
    ]
    assert filled(js, "hour", "2024-01-01T23:00:00", "2024-01-02T01:00:00") == [
        ("2024-01-01T23:00:00.000", 0),
        ("2024-01-02T00:00:00.000", 20),
        ("2024-01-02T01:00:00.000", 0),
    ]


def test_custom_granularities_are_filled_by_what_the_annotation_says(js: Any) -> None:
    assert filled(js, "fortnight", "2024-01-01", "2024-03-10") == [
        ("2024-01-01T00:00:00.000", 280),
        ("2024-01-15T00:00:00.000", 280),
        ("2024-01-29T00:00:00.000", 280),
        ("2024-02-12T00:00:00.000", 280),
        ("2024-02-26T00:00:00.000", 80),
    ]


def test_series_and_their_names(js: Any) -> None:
    query = DAYS.replace(
        "measures: ['Sales.count']", "measures: ['Sales.count'], dimensions: ['Sales.status']"
    )
    names, series = js(f"""
        const result = await api.load({query});
        return [result.seriesNames(), result.series()];
    """)
    assert [(each["key"], each["title"]) for each in names] == [
        ("paid,Sales.count", "paid, Sales Number of sales"),
        ("open,Sales.count", "open, Sales Number of sales"),
    ]
    assert [[point["value"] for point in each["series"]] for each in series] == [[0, 0, 20, 0], [0, 0, 0, 20]]


def test_the_table_pivot(js: Any) -> None:
    query = """{
      measures: ['Sales.count'], dimensions: ['Sales.status'],
      timeDimensions: [{dimension: 'Sales.createdAt', granularity: 'day', dateRange: ['2024-01-01', '2024-01-02']}]
    }"""
    table, columns = js(f"""
        const result = await api.load({query});
        const config = {{x: ['Sales.createdAt.day'], y: ['Sales.status', 'measures']}};
        return [result.tablePivot(config), result.tableColumns(config)];
    """)
    # The client fills what has no row with the number 0; what the server sent stays as it is.
    assert table == [
        {"Sales.createdAt.day": "2024-01-01T00:00:00.000", "paid,Sales.count": "20", "open,Sales.count": 0},
        {"Sales.createdAt.day": "2024-01-02T00:00:00.000", "paid,Sales.count": 0, "open,Sales.count": "20"},
    ]
    assert [column["key"] for column in columns] == ["Sales.createdAt.day", "paid", "open"]


def test_the_plain_table(js: Any) -> None:
    table, columns = js(f"""
        const result = await api.load({BY_STATUS});
        const columns = result.tableColumns().map((each) => [each.key, each.type, each.shortTitle, each.format]);
        return [result.tablePivot(), columns];
    """)
    assert table[0] == {"Sales.status": "open", "Sales.count": "400", "Sales.total": "1800.00"}
    assert columns == [
        ["Sales.status", "string", "Status", None],
        ["Sales.count", "number", "Number of sales", None],
        ["Sales.total", "number", "Total", "currency"],
    ]


def test_drilling_down_gives_a_query_that_gives_the_rows(js: Any) -> None:
    query = DAYS.replace(
        "measures: ['Sales.count']", "measures: ['Sales.count'], dimensions: ['Sales.status']"
    )
    drill, rows = js(f"""
        const result = await api.load({query});
        const drill = result.drillDown({{xValues: ['2024-01-02T00:00:00.000'], yValues: ['open', 'Sales.count']}});
        return [drill, (await api.load(drill)).rawData()];
    """)
    assert drill["dimensions"] == ["Sales.id", "Sales.status"]
    assert drill["filters"][0] == {"member": "Sales.count", "operator": "measureFilter"}
    assert drill["timeDimensions"][0]["dateRange"] == ["2024-01-02T00:00:00.000", "2024-01-02T23:59:59.999"]
    assert sorted(int(row["Sales.id"]) for row in rows) == list(range(1, 1200, 60))
    assert {row["Sales.status"] for row in rows} == {"open"}


def test_drilling_into_what_has_no_value(js: Any) -> None:
    rows = js(f"""
        const result = await api.load({BY_STATUS});
        const drill = result.drillDown({{xValues: [null], yValues: ['Sales.count']}});
        return (await api.load(drill)).rawData().length;
    """)
    assert rows == 400


def test_a_result_survives_serialization(js: Any) -> None:
    assert js(f"""
        const result = await api.load({DAYS});
        return JSON.stringify(ResultSet.deserialize(JSON.parse(JSON.stringify(result.serialize()))).chartPivot())
          === JSON.stringify(result.chartPivot());
    """)
