"""What a browser makes of the headers for pages of other origins."""

from __future__ import annotations

import functools
import json
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.clients.test_react import Quiet, shown

from cuboid.http.settings import CorsSettings

PAGE = """<!doctype html><meta charset="utf-8"><output></output><script>
const ask = (url, credentials) => fetch(`${url}/cubejs-api/v1/meta`, { credentials, headers: { authorization: 'x' } })
  .then((answer) => answer.status, () => 'refused');
const urls = %s;
Promise.all(Object.entries(urls).flatMap(([name, url]) => ['omit', 'include'].map(
  async (credentials) => [`${name}, ${credentials}`, await ask(url, credentials)]
))).then((pairs) => { document.querySelector('output').textContent = JSON.stringify(Object.fromEntries(pairs)); });
</script>"""


@pytest.mark.timeout(600)  # the first run fetches the browser
def test_a_browser_reads_what_the_settings_allow(tmp_path: Path, run: Any, make_service: Any) -> None:
    pages = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    origin = f"http://localhost:{pages.server_address[1]}"
    settings = {
        "by default": CorsSettings(),
        "listed": CorsSettings(origins=(origin,)),
        "with credentials": CorsSettings(origins=(origin,), credentials=True),
        "another": CorsSettings(origins=("http://localhost:1",), credentials=True),
        "without the header": CorsSettings(headers=("x-other",)),
    }
    servers = {name: run(make_service(), cors=cors).port for name, cors in settings.items()}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in servers.items()}
    (tmp_path / "index.html").write_text(PAGE % json.dumps(urls), encoding="utf-8")
    thread = threading.Thread(target=pages.serve_forever)
    thread.start()
    try:
        document = shown(f"{origin}/", tmp_path / "profile")
    finally:
        pages.shutdown()
        thread.join()
        pages.server_close()
    found = json.loads(document.partition("<output>")[2].partition("</output>")[0])
    assert found == {
        "by default, omit": 403,  # read, and the token is bad
        "by default, include": "refused",
        "listed, omit": 403,
        "listed, include": "refused",
        "with credentials, omit": 403,
        "with credentials, include": 403,
        "another, omit": "refused",
        "another, include": "refused",
        "without the header, omit": "refused",
        "without the header, include": "refused",
    }
