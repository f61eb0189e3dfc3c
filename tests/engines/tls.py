"""Certificates, and real TLS before a real server: those of the tests are built without."""

from __future__ import annotations

import select
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.engines.server import Server

SSL_REQUEST = struct.pack("!ii", 8, 80877103)

CA = """
[ca]
default_ca = all
[all]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""


def openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=50)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: ``ca.pem``; signed by it for 127.0.0.1 ``good.pem`` and ``expired.pem``; their key, ``key.pem``."""
    assert shutil.which("openssl"), "these tests need the program openssl; run: apt-get install openssl"
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.conf").write_text(CA.format(folder=folder))
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem")
    authority = "req -new -config ca.conf -key key.pem -x509 -subj /CN=authority -out ca.pem -days 3"
    openssl(folder, *authority.split(), "-addext", "basicConstraints=critical,CA:true")
    issue(folder, "good.pem", datetime(2099, 1, 1, tzinfo=UTC))
    issue(folder, "expired.pem", datetime(2021, 1, 1, tzinfo=UTC))
    (folder / "key.pem").chmod(0o600)
    return folder


def issue(folder: Path, name: str, end: datetime) -> None:
    """Writes a certificate of the authority in ``folder`` for 127.0.0.1, which expires at ``end``."""
    request = f"req -new -config ca.conf -key key.pem -subj /CN={name} -addext subjectAltName=IP:127.0.0.1"
    openssl(folder, *request.split(), "-out", "request.pem")
    sign = "ca -config ca.conf -batch -notext -cert ca.pem -keyfile key.pem -in request.pem"
    times = ("-startdate", "20200101000000Z", "-enddate", f"{end:%Y%m%d%H%M%S}Z")
    openssl(folder, *sign.split(), "-out", name, *times)


class Front(socketserver.ThreadingTCPServer):
    """Listens before a server; offers TLS as that kind of server does, and counts who took it and who did not."""

    daemon_threads = True

    def __init__(self, server: Server, certificates: Path, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Relay)
        self.asked = server.engine == "postgres"  # whose clients ask for it first
        self.behind = (server.host, server.port)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificates / name, certificates / "key.pem")
        self.encrypted = self.plain = 0
        self.port = self.server_address[1]


class Relay(socketserver.BaseRequestHandler):
    server: Front

    def handle(self) -> None:
        client = self.request
        first = client.recv(8, socket.MSG_WAITALL) if self.server.asked else b""
        if first == SSL_REQUEST or not self.server.asked:
            client.sendall(b"S" if self.server.asked else b"")
            try:
                client = self.server.context.wrap_socket(client, server_side=True)
            except OSError:
                return  # the client does not like the certificate
            self.server.encrypted += 1
            first = b""
        else:
            self.server.plain += 1
        with client, socket.create_connection(self.server.behind) as behind:
            behind.sendall(first)
            ends = {client: behind, behind: client}
            with suppress(OSError):
                while True:
                    pending = isinstance(client, ssl.SSLSocket) and client.pending()
                    ready = [client] if pending else select.select(list(ends), [], [])[0]
                    for end in ready:
                        if not (data := end.recv(65536)):
                            return
                        ends[end].sendall(data)


@contextmanager
def fronted(server: Server, certificates: Path, name: str) -> Iterator[Front]:
    """A front before ``server`` with the certificate of that name."""
    with Front(server, certificates, name) as opened:
        thread = threading.Thread(target=opened.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield opened
        finally:
            opened.shutdown()
            thread.join()
