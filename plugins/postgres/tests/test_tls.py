"""Encryption and certificates, with real TLS before a real server: the server of the tests is built without."""

from __future__ import annotations

import asyncio
import select
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
from contextlib import contextmanager, suppress

import pytest

from cuboid.errors import ConnectionFailed, QueryFailed

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


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=50)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder: ``ca.pem``; signed by it for 127.0.0.1 ``good.pem`` and ``expired.pem``; their key, ``key.pem``."""
    assert shutil.which("openssl"), "these tests need the program openssl; run: apt-get install openssl"
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.conf").write_text(CA.format(folder=folder))
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    openssl(folder, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem")
    new = ("req", "-new", "-config", "ca.conf", "-key", "key.pem")
    openssl(
        folder,
        *new,
        "-x509",
        "-subj",
        "/CN=authority",
        "-out",
        "ca.pem",
        "-days",
        "3",
        "-addext",
        "basicConstraints=critical,CA:true",
    )
    for name, start, end in (
        ("good", "20200101000000Z", "20990101000000Z"),
        ("expired", "20200101000000Z", "20210101000000Z"),
    ):
        openssl(
            folder,
            *new,
            "-subj",
            f"/CN={name}",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-out",
            "request.pem",
        )
        sign = (
            "ca",
            "-config",
            "ca.conf",
            "-batch",
            "-notext",
            "-cert",
            "ca.pem",
            "-keyfile",
            "key.pem",
            "-in",
            "request.pem",
        )
        openssl(folder, *sign, "-out", f"{name}.pem", "-startdate", start, "-enddate", end)
    (folder / "key.pem").chmod(0o600)
    return folder


class Front(socketserver.ThreadingTCPServer):
    """Listens before a server; offers TLS as Postgres does, and counts who took it and who did not."""

    daemon_threads = True

    def __init__(self, server, certificates, name):
        super().__init__(("127.0.0.1", 0), Relay)
        self.behind = (server.host, server.port)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificates / name, certificates / "key.pem")
        self.encrypted = self.plain = 0
        self.port = self.server_address[1]


class Relay(socketserver.BaseRequestHandler):
    def handle(self):
        client, first = self.request, self.request.recv(8, socket.MSG_WAITALL)
        if first == SSL_REQUEST:
            client.sendall(b"S")
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


@pytest.fixture
def front(postgres_server, certificates):
    """Starts a front with a certificate."""

    @contextmanager
    def start(name):
        with Front(postgres_server, certificates, name) as opened:
            thread = threading.Thread(target=opened.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield opened
            finally:
                opened.shutdown()
                thread.join()

    return start


@pytest.fixture
def answer(make, job):
    """Opens a driver, asks for a constant and closes it."""

    async def ask(**settings):
        driver = make(**settings)
        try:
            return (await driver.execute(job("SELECT 1"))).rows == [(1,)]
        finally:
            await driver.close()

    return ask


@pytest.mark.parametrize("value", [None, True, False])
async def test_encryption_is_as_asked_for(front, answer, value):
    with front("good.pem") as opened:
        assert await answer(port=opened.port, ssl=value)
        assert (opened.encrypted, opened.plain) == ((0, 1) if value is False else (1, 0))


async def test_a_certificate_is_checked_against_the_authority_and_the_host(front, answer, certificates):
    ca = str(certificates / "ca.pem")
    with front("good.pem") as opened:
        assert await answer(port=opened.port, ssl_ca=ca)
        with pytest.raises(ConnectionFailed, match="localhost"):
            await answer(port=opened.port, ssl_ca=ca, host="localhost")
        with pytest.raises(ConnectionFailed, match="certificate verify failed"):
            await answer(port=opened.port, ssl_verify=True)  # the system knows no such authority
        with pytest.raises(ConnectionFailed, match=r"no/such/file\.pem"):
            await answer(port=opened.port, ssl_ca="no/such/file.pem")


async def test_an_expired_certificate_is_refused_where_certificates_are_checked(front, answer, certificates):
    with front("expired.pem") as opened:
        with pytest.raises(ConnectionFailed, match="certificate verify failed") as caught:
            await answer(port=opened.port, ssl_ca=str(certificates / "ca.pem"))
        assert "expired" in caught.value.hint  # libpq does not say which of the reasons it was
        assert await answer(port=opened.port, ssl=True)


async def test_cancels_are_encrypted_too(front, make, job, certificates):
    with front("good.pem") as opened:
        driver = make(port=opened.port, ssl_ca=str(certificates / "ca.pem"))
        await driver.open()
        slow = job("SELECT pg_sleep(100)")
        running = asyncio.ensure_future(driver.execute(slow))
        await asyncio.sleep(0.2)
        await driver.interrupt(slow)
        with pytest.raises(QueryFailed, match="interrupted"):
            await running
        await driver.close()
        assert opened.encrypted >= 2
        assert opened.plain == 0
