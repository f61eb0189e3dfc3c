"""What an answer from the cache costs: beside a bare Tornado handler that sends the same bytes, and beside a miss."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import urllib.parse
from pathlib import Path

import jwt
from measure import Row
from plain_shop import SECRET
from serving import cost, running

ROWS = (5, 365, 10_000)
ROUNDS = 5
MODEL = """
cubes:
  - name: days
    sql: SELECT range AS number, DATE '2020-01-01' + range::INT AS day, range % 7 AS kind FROM range(20000)
    refresh_key: {immutable: true}
    measures: [{name: total, type: sum, sql: number}, {name: count, type: count}]
    dimensions:
      - {name: number, type: number, sql: number, primary_key: true, public: true}
      - {name: kind, type: string, sql: "'kind ' || kind"}
      - {name: day, type: time, sql: day}
"""


def rows(requests: int) -> list[Row]:
    """The report's rows."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "model").mkdir()
        (project / "model" / "days.yml").write_text(MODEL)
        (project / ".env").write_text(
            f"CUBEJS_DB_TYPE=duckdb\nCUBEJS_API_SECRET={SECRET}\nCUBOID_CACHE_SIZE=64mb\n"
        )
        token = jwt.encode({"tenant": 7, "groups": ["reader"], "exp": 4_000_000_000}, SECRET)
        headers = {"Authorization": token}
        cuboid = [str(Path(sys.executable).parent / "cuboid"), "serve", folder, "--port"]
        with running(cuboid) as ours:
            for count in ROWS:
                body = project / f"{count}.json"
                asked = max(requests // ROUNDS // (1 + count // 400), 100)
                cost(ours, path(count), 1, headers, body)
                with running([sys.executable, __file__, str(body)]) as bare:
                    pairs = [
                        (cost(bare, "/", asked, headers).cpu, cost(ours, path(count), asked, headers).cpu)
                        for _ in range(ROUNDS)
                    ]
                handler, hit = map(statistics.median, zip(*pairs, strict=True))
                miss = cost(ours, path(count, cache="no-cache"), asked // 4, headers).cpu
                found += [
                    Row(f"CPU: bare Tornado handler, {count} rows", handler),
                    Row(
                        f"CPU: hit, {count} rows",
                        hit,
                        f"CPU: bare Tornado handler, {count} rows",
                        most=1.3 if count > 1000 else 1.5,
                    ),
                    Row(f"CPU: miss, {count} rows", miss, f"CPU: hit, {count} rows"),
                ]
    return found


def path(count: int, **parameters: str) -> str:
    """The request for so many rows."""
    query = (
        '{"measures":["days.total","days.count"],"dimensions":["days.number","days.kind"],'
        f'"timeDimensions":[{{"dimension":"days.day","granularity":"day"}}],"limit":{count}}}'
    )
    return "/cubejs-api/v1/load?" + urllib.parse.urlencode({"query": query, **parameters})


async def serve_bare(body: bytes, port: int) -> None:
    """A handler that sends ``body``: what Tornado itself costs."""
    from tornado.web import Application, RequestHandler

    class Handler(RequestHandler):
        def get(self) -> None:
            self.set_header("Content-Type", "application/json; charset=utf-8")
            self.finish(body)

    Application([(".*", Handler)], log_function=lambda handler: None).listen(
        port, "127.0.0.1", reuse_port=True
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve_bare(Path(sys.argv[1]).read_bytes(), int(sys.argv[2])))
