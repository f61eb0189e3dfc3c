"""Encryption and certificates, with real TLS before a real server: the server of the tests is built without."""

from __future__ import annotations

import asyncio

import pytest
from tests.engines.tls import fronted

from cuboid.errors import ConnectionFailed, QueryFailed


@pytest.fixture
def front(postgres_server, certificates):
    """Starts a front with a certificate."""
    return lambda name: fronted(postgres_server, certificates, name)


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
