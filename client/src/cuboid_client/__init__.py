"""Asks a Cuboid or Cube server: :class:`Client`, and :class:`AsyncClient` for asyncio."""

from cuboid_client.asynchronous import AsyncClient
from cuboid_client.blocking import Client
from cuboid_client.errors import (
    ClientError,
    CutOff,
    InvalidQuery,
    NotAllowed,
    ServerBusy,
    ServerFailed,
    Unreachable,
    WaitedTooLong,
)
from cuboid_client.result import Result, Sql

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "CutOff",
    "InvalidQuery",
    "NotAllowed",
    "Result",
    "ServerBusy",
    "ServerFailed",
    "Sql",
    "Unreachable",
    "WaitedTooLong",
]
