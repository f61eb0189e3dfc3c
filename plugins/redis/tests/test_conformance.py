"""Valkey and Redis pass the kit for exchanges, also over TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engines.tls import fronted

import cuboid_redis
from cuboid.run.exchange import ExchangeSettings, Turn
from cuboid.testing import ExchangeConformance
from cuboid_redis.exchange import RedisExchange

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.engine("valkey")
class TestValkey(ExchangeConformance):
    plugin = cuboid_redis

    def url(self):
        server = self.request.getfixturevalue("valkey_server")
        return f"valkey://:{server.password}@{server.host}:{server.port}/0"


@pytest.mark.engine("redis")
class TestRedis(ExchangeConformance):
    plugin = cuboid_redis

    def url(self):
        server = self.request.getfixturevalue("redis_server")
        return f"redis://:{server.password}@{server.host}:{server.port}/0"


@pytest.mark.engine("valkey")
class TestValkeyOverTLS(ExchangeConformance):
    plugin = cuboid_redis

    @pytest.fixture(autouse=True)
    def front(self, valkey_server, certificates):
        with fronted(valkey_server, certificates, "good.pem") as front:
            self.front, self.folder, self.password = front, certificates, valkey_server.password
            yield
            assert front.plain == 0

    def url(self):
        return f"rediss://:{self.password}@127.0.0.1:{self.front.port}?ssl_ca_certs={self.folder / 'ca.pem'}"


@pytest.mark.parametrize(
    ("certificate", "authority"), [("good.pem", ""), ("expired.pem", "?ssl_ca_certs={folder}/ca.pem")]
)
async def test_certificates_are_checked(valkey_server, certificates, certificate, authority):
    with fronted(valkey_server, certificates, certificate) as front:
        url = f"rediss://:{valkey_server.password}@127.0.0.1:{front.port}{authority.format(folder=certificates)}"
        exchange = RedisExchange(ExchangeSettings(url, "tls", "one"))
        with pytest.raises(Exception, match="certificate") as refused:
            await exchange.beat()
        assert valkey_server.password not in str(refused.value)
        with pytest.raises(Exception, match="certificate"):
            await exchange.close()


async def test_a_wrong_password_is_an_error_that_does_not_repeat_it(valkey_server):
    url = f"redis://:wrong-password-4711@{valkey_server.host}:{valkey_server.port}"
    exchange = RedisExchange(ExchangeSettings(url, "password", "one"))
    with pytest.raises(Exception, match=r"(?i)password|auth") as refused:
        await exchange.beat()
    assert "4711" not in str(refused.value)
    with pytest.raises(Exception, match=r"(?i)password|auth"):
        await exchange.close()


async def test_the_rights_that_the_readme_names_are_enough(valkey_server):
    """And those beyond the prefix are refused."""
    url = f"redis://:{valkey_server.password}@{valkey_server.host}:{valkey_server.port}"
    admin = RedisExchange(ExchangeSettings(url, "admin", "admin"))
    rights = README.read_text().split("ACL SETUSER cuboid on >password ")[1].splitlines()[0].split()
    await admin._client.execute_command("ACL", "SETUSER", "cuboid", "on", ">password", *rights)
    allowed = f"redis://cuboid:password@{valkey_server.host}:{valkey_server.port}"
    exchange = RedisExchange(ExchangeSettings(allowed, "cuboid", "one"))
    heard = []
    listening = asyncio.create_task(exchange.listen(heard.append))
    await exchange.beat()
    await exchange.changed(["orders"])
    await exchange.put("a", b"1", 9)
    assert await exchange.get("a") == b"1"
    await exchange.claim("a", "x", 9)
    await exchange.want("a", 9)
    await exchange.share("s", 1, 0, Turn(10, "", "a"))
    while "released a" not in heard:
        await exchange.claim("a", "x", 9)
        await exchange.release("a", "x")
        await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.wait({listening})
    await exchange.close()
    stranger = RedisExchange(ExchangeSettings(allowed, "other", "one"))
    with pytest.raises(Exception, match=r"(?i)perm"):
        await stranger.beat()
    with pytest.raises(Exception, match=r"(?i)perm"):
        await stranger.close()
    await admin.close()
