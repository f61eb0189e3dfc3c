"""Cuboid: a semantic layer for Python.

What is here is public: the names that plugins import, the errors, the values that cross the plugin line, and
:func:`open` for notebooks and programs. They are imported when first used, so that ``import cuboid`` costs
next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cuboid.embedded import EmbeddedProject, open
    from cuboid.errors import (
        ConfigError,
        ConnectionFailed,
        CuboidError,
        DriverError,
        Forbidden,
        InternalError,
        InvalidDateRange,
        InvalidQuery,
        ModelError,
        NoJoinPath,
        NotStored,
        PluginError,
        QueryCancelled,
        QueryFailed,
        QueryTimeout,
        QueueError,
        QueueFull,
        Unauthenticated,
        UnknownMember,
        UnsupportedFeature,
        UserError,
    )
    from cuboid.hookspecs import hookimpl
    from cuboid.result.formats import Format
    from cuboid.run.bounded import BoundedQueue
    from cuboid.run.dbapi import DBAPIDriver
    from cuboid.run.driver import Driver, DriverConfig
    from cuboid.run.exchange import Claim, Exchange, ExchangeSettings, Share, Turn
    from cuboid.run.introspection import Introspection
    from cuboid.run.queue import QueryQueue, QueueSettings
    from cuboid.run.server_config import ProjectPath, ServerConfig
    from cuboid.run.sessions import Session, SessionDriver
    from cuboid.run.store import BuiltPart, BuiltTable, NewPart, RollupStore, StoreSettings
    from cuboid.run.stored import RollupUse, StoredRollup
    from cuboid.sql.dialect import Dialect
    from cuboid.types import (
        Capability,
        Column,
        ColumnInfo,
        ForeignKeyInfo,
        HttpRequest,
        Interval,
        Job,
        ParameterType,
        Pending,
        Principal,
        Result,
        SemanticType,
        Statement,
        TableInfo,
        TimeKind,
        Value,
        Withdrawn,
    )

    __version__: str

__all__ = [
    "BoundedQueue",
    "BuiltPart",
    "BuiltTable",
    "Capability",
    "Claim",
    "Column",
    "ColumnInfo",
    "ConfigError",
    "ConnectionFailed",
    "CuboidError",
    "DBAPIDriver",
    "Dialect",
    "Driver",
    "DriverConfig",
    "DriverError",
    "EmbeddedProject",
    "Exchange",
    "ExchangeSettings",
    "Forbidden",
    "ForeignKeyInfo",
    "Format",
    "HttpRequest",
    "InternalError",
    "Interval",
    "Introspection",
    "InvalidDateRange",
    "InvalidQuery",
    "Job",
    "ModelError",
    "NewPart",
    "NoJoinPath",
    "NotStored",
    "ParameterType",
    "Pending",
    "PluginError",
    "Principal",
    "ProjectPath",
    "QueryCancelled",
    "QueryFailed",
    "QueryQueue",
    "QueryTimeout",
    "QueueError",
    "QueueFull",
    "QueueSettings",
    "Result",
    "RollupStore",
    "RollupUse",
    "SemanticType",
    "ServerConfig",
    "Session",
    "SessionDriver",
    "Share",
    "Statement",
    "StoreSettings",
    "StoredRollup",
    "TableInfo",
    "TimeKind",
    "Turn",
    "Unauthenticated",
    "UnknownMember",
    "UnsupportedFeature",
    "UserError",
    "Value",
    "Withdrawn",
    "__version__",
    "hookimpl",
    "open",
]

_ELSEWHERE = {
    "BoundedQueue": "cuboid.run.bounded",
    "BuiltPart": "cuboid.run.store",
    "BuiltTable": "cuboid.run.store",
    "DBAPIDriver": "cuboid.run.dbapi",
    "Dialect": "cuboid.sql.dialect",
    "Driver": "cuboid.run.driver",
    "DriverConfig": "cuboid.run.driver",
    "EmbeddedProject": "cuboid.embedded",
    "Claim": "cuboid.run.exchange",
    "Exchange": "cuboid.run.exchange",
    "ExchangeSettings": "cuboid.run.exchange",
    "Share": "cuboid.run.exchange",
    "Turn": "cuboid.run.exchange",
    "Introspection": "cuboid.run.introspection",
    "ProjectPath": "cuboid.run.server_config",
    "Format": "cuboid.result.formats",
    "NewPart": "cuboid.run.store",
    "QueryQueue": "cuboid.run.queue",
    "QueueSettings": "cuboid.run.queue",
    "RollupStore": "cuboid.run.store",
    "RollupUse": "cuboid.run.stored",
    "ServerConfig": "cuboid.run.server_config",
    "Session": "cuboid.run.sessions",
    "SessionDriver": "cuboid.run.sessions",
    "StoreSettings": "cuboid.run.store",
    "StoredRollup": "cuboid.run.stored",
    "hookimpl": "cuboid.hookspecs",
    "open": "cuboid.embedded",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'cuboid' has no attribute '{name}'")
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("cuboid")
    elif name in _ELSEWHERE:
        value = getattr(importlib.import_module(_ELSEWHERE[name]), name)
    else:
        errors = importlib.import_module("cuboid.errors")
        value = getattr(errors, name, None) or getattr(importlib.import_module("cuboid.types"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
