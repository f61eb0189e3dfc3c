"""Routes, methods, bodies, CORS, ETags: what Express does, on a real server."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

import pytest

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.errors import ConfigError
from cuboid.http.handler import LARGEST_TAGGED
from cuboid.http.settings import CorsSettings

COUNT = {"measures": ["Users.count"]}
LOAD = "/cubejs-api/v1/load?query=" + quote(json.dumps(COUNT))
DATA = [{"Users.count": "700"}]


@pytest.mark.parametrize(
    "path",
    [LOAD, LOAD.replace("/load", "/LOAD"), LOAD.replace("cubejs-api", "CubeJS-API"), LOAD.replace("?", "/?")],
)
def test_paths_have_no_case_and_may_end_in_a_slash(production: Any, path: str) -> None:
    assert production.ask("GET", path).body["data"] == DATA


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("GET", "/index.html"),
        ("GET", "/cubejs-api/v1/nothing"),
        ("GET", "/cubejs-api/v1/load/more"),
        ("GET", "/cubejs-api/v1/loads"),
        ("GET", "/v1/load"),
        ("DELETE", "/cubejs-api/v1/load"),
        ("PUT", "/cubejs-api/v1/sql"),
        ("PATCH", "/cubejs-api/v1/load"),
        ("POST", "/cubejs-api/v1/meta"),
        ("POST", "/readyz"),
        ("PURGE", "/cubejs-api/v1/load"),
    ],
)
def test_unknown_paths_and_wrong_methods_are_express_s_404(production: Any, method: str, path: str) -> None:
    answer = type(production)(production.port).ask(method, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<pre>Cannot {method} {path}</pre>" in answer.raw.decode()


@pytest.mark.parametrize("server", ["production", "dev"])
def test_the_root_says_what_runs_and_where_the_api_is(request: Any, server: str) -> None:
    client = request.getfixturevalue(server)
    answer = type(client)(client.port).ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    page = answer.raw.decode()
    assert f"Cuboid {version('cuboid')}" in page
    assert "/cubejs-api/v1/load" in page
    assert "http" not in page
    assert "src=" not in page
    assert client.ask("HEAD", "/").status == 200


def test_the_root_names_the_base_path_that_is_set(run: Any, make_service: Any) -> None:
    for base_path, shown in (("/a<b", "<code>/a&lt;b/v1/load</code>"), ("/", "<code>/v1/load</code>")):
        page = run(make_service(), dev=True, base_path=base_path).ask("GET", "/").raw.decode()
        assert shown in page


def test_the_404_page_escapes_what_the_client_sent(production: Any) -> None:
    answer = production.ask("GET", "/<script>alert('x')</script>?a=<b>")
    assert answer.status == 404
    assert b"<script>" not in answer.raw
    assert b"&lt;script&gt;" in answer.raw
    assert answer.headers["content-security-policy"] == "default-src 'none'"


def test_head_answers_like_get_without_a_body(production: Any) -> None:
    answer = production.ask("HEAD", LOAD)
    assert (answer.status, answer.raw) == (200, b"")
    assert int(answer.headers["content-length"]) == len(production.ask("GET", LOAD).raw)
    assert production.ask("HEAD", "/nowhere").status == 404


@pytest.mark.parametrize("dev", [True, False])
def test_an_answer_of_megabytes_is_whole_and_says_its_length(
    run: Any, make_service: Any, token: Any, dev: bool
) -> None:
    model = """
    cubes:
      - name: numbers
        sql: SELECT range AS id FROM range(45000)
        dimensions: [{name: id, type: number, sql: id, primary_key: true, public: true}]
    """
    catalog = compile_catalog([ModelFile("model.yml", model)])
    client = run(make_service(catalog=catalog), dev=dev, token=token({}))
    query = {"dimensions": ["numbers.id"], "order": {"numbers.id": "asc"}, "limit": 45000}
    path = "/cubejs-api/v1/load?query=" + quote(json.dumps(query))
    answer = client.ask("GET", path)
    assert answer.body["data"] == [{"numbers.id": str(number)} for number in range(45000)]
    assert ("requestId" in answer.body) == dev
    assert int(answer.headers["content-length"]) == len(answer.raw) > LARGEST_TAGGED
    head = client.ask("HEAD", path)
    assert (head.status, head.raw) == (200, b"")
    assert abs(int(head.headers["content-length"]) - len(answer.raw)) < 100  # request ids differ


def test_an_unchanged_answer_is_304(production: Any) -> None:
    first = production.ask("GET", "/cubejs-api/v1/meta")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    again = production.ask("GET", "/cubejs-api/v1/meta", If_None_Match=tag)
    assert (again.status, again.raw) == (304, b"")
    assert production.ask("GET", "/cubejs-api/v1/meta", If_None_Match='W/"other"').status == 200


def test_every_answer_may_be_read_from_any_origin(production: Any) -> None:
    for path in (LOAD, "/nowhere", "/readyz", "/cubejs-api/v1/load"):
        assert production.ask("GET", path).headers["access-control-allow-origin"] == "*"
    assert "server" not in production.ask("GET", LOAD).headers


def test_a_preflight_is_204_and_needs_no_token(production: Any) -> None:
    answer = type(production)(production.port).ask(
        "OPTIONS", "/cubejs-api/v1/load", Origin="http://x", Access_Control_Request_Method="GET"
    )
    assert (answer.status, answer.raw) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == (
        "authorization,content-type,x-request-id,x-priority,x-progress"
    )
    assert answer.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"


def test_listed_origins_only(run: Any, make_service: Any) -> None:
    client = run(make_service(), dev=True, cors=CorsSettings(origins=("http://a", "http://b")))
    allowed = client.ask("GET", "/readyz", Origin="http://b")
    assert allowed.headers["access-control-allow-origin"] == "http://b"
    assert allowed.headers["vary"] == "Origin"
    for other in ("http://c", "http://b.evil.example", "http://b:8080", "https://b", "null", "*", ""):
        refused = client.ask("GET", "/readyz", Origin=other)
        assert "access-control-allow-origin" not in refused.headers
        assert refused.headers["vary"] == "Origin"


def test_credentials_and_exposed_headers_are_for_listed_origins(run: Any, make_service: Any) -> None:
    cors = CorsSettings(
        origins=("http://a",),
        headers=("x-own",),
        exposed=("etag", "retry-after"),
        credentials=True,
        max_age=60,
    )
    client = run(make_service(), dev=True, cors=cors)
    for path in ("/readyz", "/nowhere", "/cubejs-api/v1/load"):
        headers = client.ask("GET", path, Origin="http://a").headers
        assert headers["access-control-allow-credentials"] == "true"
        assert headers["access-control-expose-headers"] == "etag,retry-after"
        assert not {name for name in client.ask("GET", path, Origin="http://c").headers if "access" in name}
    preflight = client.ask("OPTIONS", "/cubejs-api/v1/load", Origin="http://a").headers
    assert preflight["access-control-allow-headers"] == "x-own"
    assert preflight["access-control-max-age"] == "60"
    assert preflight["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in client.ask("OPTIONS", "/x", Origin="http://c").headers


def test_credentials_for_every_origin_are_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="origins that are named"):
        CorsSettings(credentials=True)


@pytest.mark.parametrize(
    "body",
    [{"query": COUNT}, {"query": json.dumps(COUNT)}, {"query": COUNT, "queryType": None, "cache": None}],
)
def test_a_post_s_query_may_be_an_object_or_text(production: Any, body: Any) -> None:
    assert production.post("load", body).body["data"] == DATA


def test_a_post_with_a_list_is_a_blended_query(production: Any) -> None:
    parts = [
        {
            "measures": [f"{cube}.count"],
            "timeDimensions": [{"dimension": f"{cube}.createdAt", "granularity": "month"}],
        }
        for cube in ("Orders", "Users")
    ]
    answer = production.post("load", {"query": parts, "queryType": "multi"})
    assert answer.status == 200
    assert answer.body["queryType"] == "blendingQuery"
    assert answer.body["results"][0]["data"][0]["time.month"] == "2024-01-01T00:00:00.000"


def test_nested_query_strings_are_read(production: Any) -> None:
    path = "/cubejs-api/v1/load?query[measures][]=Users.count&query[dimensions][0]=Users.city"
    assert {row["Users.city"] for row in production.ask("GET", path).body["data"]} == {
        "city 0",
        "city 1",
        "city 2",
    }


def test_a_get_with_a_json_content_type_and_no_body_is_fine(production: Any) -> None:
    # Cube's client sends this after its first POST.
    assert production.ask("GET", LOAD, Content_Type="application/json").body["data"] == DATA


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"query=%7B%7D"),
        ("text/plain", b'{"query": {}}'),
        ("", b'{"query": {}}'),
        ("application/json", b""),
        ("application/json", b"[]"),
        ("application/json", b'[{"query": {}}]'),
        ("application/json", b"{}"),
        ("application/json", b'{"query": null}'),
    ],
)
def test_bodies_without_a_query(production: Any, content_type: str, body: bytes) -> None:
    answer = production.ask("POST", LOAD, body, Content_Type=content_type)
    assert (answer.status, answer.body) == (400, {"error": "Query param is required"})


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"query": NaN}', b"[" * 100_000, b"5", b'"text"', b"nul"])
def test_a_broken_body_is_the_client_s_mistake(production: Any, body: bytes) -> None:
    answer = production.ask(
        "POST", "/cubejs-api/v1/load", body, Content_Type="application/json; charset=utf-8"
    )
    assert answer.status == 400
    assert "request body" in answer.body["error"]


@pytest.mark.parametrize(
    ("codec", "content_type"),
    [
        ("utf-8", "application/json"),
        ("utf-8-sig", "application/json"),
        ("utf-8-sig", "application/json; charset=UTF-8"),
        ("utf-16", 'application/json; charset="UTF-16"'),
        ("utf-16-le", "application/json;charset=utf-16le"),
        ("utf-16-be", "application/json; charset=utf-16be; x=y"),
        ("utf-32", "application/json; charset=utf-32"),
    ],
)
def test_a_body_is_read_in_every_coding_that_it_says(production: Any, codec: str, content_type: str) -> None:
    where = {"member": "Orders.status", "operator": "equals", "values": ["é😀"]}
    body = json.dumps({"query": {**COUNT, "filters": [where]}}, ensure_ascii=False).encode(codec)
    answer = production.ask("POST", "/cubejs-api/v1/load", body, Content_Type=content_type)
    assert answer.status == 200, answer.body
    assert answer.body["query"]["filters"][0]["values"] == ["é😀"]


def test_a_body_in_another_coding_than_it_says_is_the_client_s_mistake(production: Any) -> None:
    path, kind = "/cubejs-api/v1/load", "application/json; charset=utf-16"
    for body in (b"odd", b"\xff\xfe\x00\xd8", json.dumps({"query": COUNT}).encode()):
        answer = production.ask("POST", path, body, Content_Type=kind)
        assert answer.status == 400
        assert "request body" in answer.body["error"]


def test_a_compressed_body_is_read(production: Any) -> None:
    body = gzip.compress(json.dumps({"query": COUNT}).encode())
    answer = production.ask(
        "POST", "/cubejs-api/v1/load", body, Content_Type="application/json", Content_Encoding="gzip"
    )
    assert answer.body["data"] == DATA


@pytest.mark.parametrize(("parameter", "value"), [("queryType", 5), ("queryType", ["multi"]), ("cache", {})])
def test_parameters_that_are_no_text_are_refused(production: Any, parameter: str, value: object) -> None:
    answer = production.post("load", {"query": COUNT, parameter: value})
    assert answer.status == 400
    assert answer.body["error"] == f'Invalid query format: "{parameter}" must be a string'


def test_an_unknown_cache_mode_is_refused_with_cube_s_text(production: Any) -> None:
    answer = production.get("load", COUNT, cache="sometimes")
    assert answer.status == 400
    assert answer.body["error"] == (
        'Invalid query format: "cacheMode" must be one of '
        "[stale-if-slow, stale-while-revalidate, must-revalidate, no-cache]"
    )


def test_sql_takes_only_the_rest_format(production: Any) -> None:
    assert production.get("sql", COUNT, format="rest").status == 200
    assert production.get("sql", "SELECT 1", format="sql").status == 400
    assert production.get("sql", COUNT, format="yaml").status == 400


@pytest.fixture(scope="module")
def small(run: Callable[..., Any], make_service: Callable[..., Any]) -> Any:
    """A server that takes bodies of 1000 bytes."""
    return run(make_service(), dev=True, max_request_size=1000)


@pytest.mark.parametrize("size", [66_000, 200_000])
def test_a_head_above_the_limit_is_431(production: Any, size: int) -> None:
    for path, headers in ((f"{LOAD}&x={'x' * size}", {}), (LOAD, {"X_Long": "x" * size})):
        answer = production.ask("GET", path, **headers)
        assert answer.status == 431
        assert answer.body == {
            "error": "Path and headers are larger than 65536 bytes: send the query in a POST."
        }
        assert production.ask("GET", LOAD).status == 200
    nearly = production.ask("GET", f"{LOAD}&x={'x' * 60_000}")
    assert nearly.status == 200


def test_a_body_above_the_limit_is_413(small: Any) -> None:
    fits = {"query": COUNT, "padding": "x" * 900}
    assert small.post("load", fits).status == 200
    answer = small.post("load", {"query": COUNT, "padding": "x" * 1000})
    assert (answer.status, answer.body) == (
        413,
        {"error": "The request body is larger than the limit of 1000 bytes."},
    )


@pytest.mark.parametrize("compressed", [True, False])
def test_a_body_that_turns_out_too_large_is_cut_off(small: Any, compressed: bool) -> None:
    data = b"x" * 1_000_000
    head = b"POST /cubejs-api/v1/load HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    if compressed:
        body = gzip.compress(data)
        assert len(body) > 900
        body = body[:990]
        head += b"Content-Encoding: gzip\r\nContent-Length: 990\r\n\r\n"
    else:
        body = b"".join(b"3e8\r\n%b\r\n" % data[:1000] for _ in range(3)) + b"0\r\n\r\n"
        head += b"Transfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", small.port), timeout=50) as connection:
        connection.sendall(head + body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
    assert small.get("load", COUNT).status == 200


def test_another_base_path(run: Any, make_service: Any) -> None:
    client = run(make_service(), dev=True, base_path="/api/cube/")
    assert client.ask("GET", LOAD.replace("cubejs-api", "api/cube")).body["data"] == DATA
    assert client.ask("GET", LOAD).status == 404
    rootless = run(make_service(), dev=True, base_path="/")
    assert rootless.ask("GET", LOAD.replace("/cubejs-api", "")).body["data"] == DATA


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/READYZ/"])
def test_probes_need_no_token(production: Any, path: str) -> None:
    answer = type(production)(production.port).ask("GET", path)
    assert (answer.status, answer.body) == (200, {"health": "HEALTH"})


def test_a_model_with_mistakes_is_ready_and_says_how_much_is_off(run: Any, make_service: Any) -> None:
    text = "cubes:\n  - {name: a, sql_table: a}\n  - {name: b, sql_table: b, x: 1, y: 2}\n"
    service = make_service(catalog=compile_catalog([ModelFile("a.yml", text)]))
    answer = run(service, dev=True).ask("GET", "/readyz")
    assert (answer.status, answer.body) == (200, {"health": "HEALTH", "model": {"errors": 2, "off": ["b"]}})


def test_a_missing_database_is_down_but_alive(run: Any, broken_service: Any) -> None:
    client = run(broken_service, dev=True)
    assert client.ask("GET", "/livez").body == {"health": "HEALTH"}
    answer = client.ask("GET", "/readyz")
    assert (answer.status, answer.body) == (500, {"health": "DOWN"})
    failed = client.get("load", COUNT)
    assert failed.status == 400
    assert failed.body["error"].startswith("Error: ")
    assert client.get("meta").status == 200


def test_only_views_leaves_out_cubes(production: Any) -> None:
    def names(**parameters: str) -> list[str]:
        return [cube["name"] for cube in production.get("meta", **parameters).body["cubes"]]

    assert names(onlyViews="true") == ["orders_view"]
    assert names(onlyViews="1") == names()
    assert {"Orders", "orders_view"} < set(names())


def test_extended_meta_has_sql_and_files(production: Any) -> None:
    plain = production.get("meta").body
    found = production.get("meta", extended="").body
    orders = found["cubes"][0]
    assert orders["sql"] == "`SELECT * FROM public.orders`"
    assert orders["fileName"].endswith("fixtures/model.yml")
    assert orders["joins"] == [
        {"name": "Users", "relationship": "manyToOne", "sql": "`${CUBE}.user_id = ${Users}.id`"}
    ]
    assert orders["measures"][3]["filters"] == [{"sql": "`${CUBE}.status = 'paid'`"}]
    assert orders["dimensions"][-1]["case"]["else"] == {"label": "small"}
    # It is what there is without, and more.
    assert orders["name"] == plain["cubes"][0]["name"]
    assert set(plain["cubes"][0]) < set(orders)
    assert "sql" not in plain["cubes"][0]


def test_a_view_is_asked_like_a_cube(production: Any) -> None:
    query = {
        "measures": ["orders_view.count"],
        "dimensions": ["orders_view.Users_city"],
        "timeDimensions": [{"dimension": "orders_view.createdAt", "granularity": "year"}],
        "filters": [{"member": "orders_view.status", "operator": "equals", "values": ["paid"]}],
        "order": {"orders_view.Users_city": "asc"},
    }
    answer = production.get("load", query)
    assert answer.status == 200
    # Orders are paid where the number is a multiple of three; 700 users, so that its city is that of n % 700 % 3.
    counts = {f"city {city}": 0 for city in range(3)}
    for order in range(0, 1200, 3):
        counts[f"city {order % 700 % 3}"] += 1
    body = answer.body
    assert [(row["orders_view.Users_city"], int(row["orders_view.count"])) for row in body["data"]] == sorted(
        (city, count) for city, count in counts.items() if count
    )
    assert body["data"][0]["orders_view.createdAt.year"] == "2024-01-01T00:00:00.000"
    assert body["annotation"]["dimensions"]["orders_view.Users_city"] == {
        "title": "Orders View Users City",
        "shortTitle": "Users City",
        "type": "string",
    }
    sql = production.get("sql", query).body["sql"]
    assert sql["memberNames"][:2] == ["orders_view.count", "Orders.count"]


def test_dev_mode_shows_hidden_members(production: Any, dev: Any) -> None:
    hidden = {"measures": ["Orders.hiddenOne"]}
    refused = production.get("load", hidden)
    assert refused.status == 400
    assert "You requested hidden member: 'Orders.hiddenOne'" in refused.body["error"]
    assert dev.get("load", hidden).body["data"] == [{"Orders.hiddenOne": "9.00"}]

    def orders(client: Any) -> dict[str, bool]:
        (cube,) = [each for each in client.get("meta").body["cubes"] if each["name"] == "Orders"]
        return {each["name"]: each["isVisible"] for each in cube["measures"]}

    assert "Orders.hiddenOne" not in orders(production)
    assert orders(dev)["Orders.hiddenOne"] is False


def test_a_connection_that_is_closed_after_a_refusal_says_so(production: Any) -> None:
    """Else the client's next request on it would fail; Node's fetch does not try again."""
    connection = http.client.HTTPConnection("127.0.0.1", production.port, timeout=60)
    for path, token, status in (
        ("/cubejs-api/v1/meta", "nonsense", 403),
        ("/cubejs-api/v1/meta", production.token, 200),
        ("/nowhere", "", 404),
        ("/cubejs-api/v1/meta", production.token, 200),
        ("/cubejs-api/v1/load", production.token, 400),
        ("/cubejs-api/v1/meta", production.token, 200),
    ):
        connection.request("GET", path, headers={"Authorization": token})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()
