"""A page with ``@cubejs-client/react``, of another origin, in headless Chromium."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.clients.node import installed_clients
from tests.engines.debian import Package, unpacked

CHROMIUM = Package("chromium-headless-shell", "bookworm", beside=("chromium-common",))
PAGE = Path(__file__).with_name("page.jsx")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def site(tmp_path: Path, production: Any) -> Iterator[str]:
    """The page, built and served."""
    node, folder = installed_clients()
    bundled = subprocess.run(
        [
            *(*node.node, str(folder / "node_modules/esbuild/bin/esbuild"), "--bundle", "--loader=jsx"),
            *("--define:process.env.NODE_ENV='production'", "--log-level=error"),
        ],
        input=PAGE.read_text(encoding="utf-8"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert bundled.returncode == 0, bundled.stderr
    (tmp_path / "page.js").write_text(bundled.stdout, encoding="utf-8")
    settings = {"url": f"http://127.0.0.1:{production.port}/cubejs-api/v1", "token": production.token}
    (tmp_path / "index.html").write_text(
        f'<!doctype html><meta charset="utf-8"><div id="root"></div>'
        f'<script>window.settings = {json.dumps(settings)}</script><script src="page.js"></script>',
        encoding="utf-8",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def shown(url: str, profile: Path) -> str:
    """The page's document once nothing is being loaded any more."""
    root = unpacked(CHROMIUM)
    libraries = root / "usr/lib/x86_64-linux-gnu"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
    done = subprocess.run(
        [
            *(str(root / "usr/lib/chromium/chromium-headless-shell"), *flags),
            *("--virtual-time-budget=20000", "--dump-dom", url),
        ],
        env={**os.environ, "LD_LIBRARY_PATH": f"{libraries}:{libraries / 'pulseaudio'}"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(600)  # the first run fetches the browser
def test_a_react_page_draws_a_chart_from_our_answers(site: str, tmp_path: Path) -> None:
    document = shown(site, tmp_path / "profile")
    bars = re.findall(
        r'<rect x="(\d+)" y="\d+" width="40" height="(\d+)" data-x="([^"]+)"><title>([^<]+)</title>', document
    )
    paid, open_ = "paid, Sales Number of sales", "open, Sales Number of sales"
    assert bars == [
        ("0", "0", "2023-12-31T00:00:00.000", paid),
        ("50", "0", "2023-12-31T00:00:00.000", open_),
        ("100", "20", "2024-01-01T00:00:00.000", paid),
        ("150", "0", "2024-01-01T00:00:00.000", open_),
        ("200", "0", "2024-01-02T00:00:00.000", paid),
        ("250", "20", "2024-01-02T00:00:00.000", open_),
    ], document
    assert "<output>'nope' not found for path 'Sales.nope'</output>" in document
