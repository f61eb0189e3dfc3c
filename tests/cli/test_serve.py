"""``cuboid serve`` as a process: starts, answers, and stops when told to."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

QUERY = urllib.parse.urlencode({"query": '{"measures": ["cities.count"]}'})


class Served:
    """A running server: its first two lines and its URL."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.banner = process.stdout.readline()
        self.example = process.stdout.readline()
        self.url = self.banner.rpartition(" ")[2].strip()

    def load(self, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"{self.url}/v1/load?{QUERY}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=50) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def serve(folder: Path) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def serve(*arguments: str) -> Served:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("CUB")}
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "cuboid"), "serve", *arguments],
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return Served(process)

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def test_dev_mode_answers_without_a_token_on_loopback_only(serve: Any) -> None:
    served = serve("--dev", "--port", "0")
    assert served.url.startswith("http://127.0.0.1:")
    status, body = served.load()
    assert (status, body["data"]) == (200, [{"cities.count": "4"}])
    # Another address of this machine: open if the server listened on every one.
    port = int(served.url.split(":")[2].partition("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=50)


def test_the_printed_curl_line_works(serve: Any) -> None:
    served = serve("--dev", "--port", "0")
    command = shlex.split(served.example.removeprefix("Try: "))
    done = subprocess.run([*command, "-s"], capture_output=True, text=True, check=True, timeout=50)
    assert json.loads(done.stdout)["data"] == [{"cities.count": "4"}]


def test_without_dev_mode_a_token_is_needed_and_cuboid_token_makes_it(serve: Any, run: Any) -> None:
    served = serve("--port", "0", "--host", "127.0.0.1")
    assert served.load() == (403, {"error": "Authorization header isn't set"})
    token = run("token").stdout.strip()
    assert served.load(Authorization=token)[0] == 200
    assert served.load(Authorization="x" + token) == (403, {"error": "Invalid token"})


def test_sigterm_ends_it_in_order_and_no_token_is_logged(serve: Any, run: Any) -> None:
    served = serve("--port", "0", "--host", "127.0.0.1")
    token = run("token").stdout.strip()
    served.load(Authorization=token)
    served.process.send_signal(signal.SIGTERM)
    _, logs = served.process.communicate(timeout=50)
    assert served.process.returncode == 0
    assert '"event": "stopped"' in logs
    assert token not in logs


def test_a_broken_cube_is_reported_and_the_rest_is_served(serve: Any, folder: Path) -> None:
    (folder / "model" / "bad.yml").write_text("cubes:\n  - name: bad\n    sql_tabel: x\n")
    served = serve("--dev", "--port", "0")
    assert served.load()[0] == 200
    served.process.send_signal(signal.SIGTERM)
    _, logs = served.process.communicate(timeout=50)
    assert "model/bad.yml:3:5" in logs


def test_dev_mode_serves_an_edited_model_and_keeps_the_last_good_one(serve: Any, folder: Path) -> None:
    served, model = serve("--dev", "--port", "0"), folder / "model" / "cities.yml"
    good = model.read_text()

    def edit(text: str, heard: str) -> None:
        """Until the server says so: it may not listen yet when the first edit comes."""
        lines = iter(served.process.stderr.readline, "")
        editing = threading.Event()

        def write() -> None:
            for number in range(100):
                model.write_text(f"{text}# {number}\n")
                if editing.wait(1):
                    return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert any(heard in line for line in lines)
        finally:
            editing.set()
            writer.join()

    edit(good.replace("type: count}", "type: count, filters: [{sql: id > 1}]}"), "the new one serves")
    assert served.load()[1]["data"] == [{"cities.count": "3"}]
    edit(good.replace("type: count", "type: cuont"), "serves as it was before")
    assert served.load()[1]["data"] == [{"cities.count": "3"}]


def test_a_busy_port_is_a_clear_message(run: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = run("serve", "--dev", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is already in use" in done.stderr
    assert "--port" in done.stderr


def test_without_a_secret_and_dev_mode_it_does_not_start(run: Any, folder: Path) -> None:
    (folder / ".env").unlink()
    done = run("serve", "--port", "0")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "secret" in done.stderr


def test_the_printed_curl_line_works_with_a_token_in_any_folder(
    serve: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    served = serve("--port", "0", "--host", "127.0.0.1")
    commands = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-c", f"{served.example.removeprefix('Try: ').strip()} -s"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    assert json.loads(done.stdout)["data"] == [{"cities.count": "4"}]


def test_metrics_have_a_port_of_their_own_if_that_is_wanted(serve: Any, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "cuboid.yml").open("a") as file:
        file.write(f"\nmetrics_port: {port}\n")
    served = serve("--dev", "--port", "0")
    served.load()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    assert 'cuboid_http_requests_total{method="GET",route="/cubejs-api/v1/load",status="200"} 1.0' in text
    assert 'cuboid_rows_total{data_source="default"} 1.0' in text
    for url in (f"http://127.0.0.1:{port}/cubejs-api/v1/meta", f"{served.url.rpartition('/')[0]}/metrics"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url, timeout=30)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) == 0


def test_pages_of_listed_origins_may_ask_and_send_cookies(serve: Any, folder: Path) -> None:
    with (folder / "cuboid.yml").open("a") as file:
        file.write("\ncors_origins: [https://app.example.com]\ncors_credentials: true\n")
    url = serve("--dev", "--port", "0").url
    for origin, allowed in (
        ("https://app.example.com", "https://app.example.com"),
        ("https://other.example", None),
    ):
        request = urllib.request.Request(f"{url}/v1/meta", headers={"Origin": origin})
        with urllib.request.urlopen(request, timeout=50) as response:
            assert response.headers["Access-Control-Allow-Origin"] == allowed
            assert response.headers["Access-Control-Allow-Credentials"] == ("true" if allowed else None)
