"""Valkey passes the kit for exchanges."""

from __future__ import annotations

import pytest

import cuboid_redis
from cuboid.testing import ExchangeConformance


@pytest.mark.engine("valkey")
class TestValkey(ExchangeConformance):
    plugin = cuboid_redis

    def url(self):
        server = self.request.getfixturevalue("valkey_server")
        return f"redis://:{server.password}@{server.host}:{server.port}/0"
