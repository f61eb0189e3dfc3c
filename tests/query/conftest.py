"""A small catalog made by hand, and ways to ask it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from cuboid.catalog.model import Catalog, Cube, Dimension, Measure, Segment
from cuboid.catalog.pieces import Place, Template
from cuboid.errors import ModelError
from cuboid.query.model import Question
from cuboid.query.normalize import normalize
from cuboid.query.parse import parse

PLACE = Place("model/orders.yml", 1, 1)
NOW = datetime(2026, 11, 23, 10, 30, 15, 250000, tzinfo=UTC)  # a Monday; the day the echoes were recorded


def _sql(text: str) -> Template:
    return Template((text,), PLACE)


def _dimension(cube: str, name: str, type: str, **more: Any) -> Dimension:
    return Dimension(cube, name, type, _sql(name), None, PLACE, name, name, **more)  # type: ignore[arg-type]


def _measure(cube: str, name: str, type: str, **more: Any) -> Measure:
    return Measure(cube, name, type, _sql(name), PLACE, name, name, **more)  # type: ignore[arg-type]


def _cube(index: int, name: str, members: list[Dimension | Measure | Segment], **more: Any) -> Cube:
    def named(kind: type) -> Any:
        return MappingProxyType({member.name: member for member in members if isinstance(member, kind)})

    return Cube(
        name,
        index,
        name.lower(),
        _sql(name.lower()),
        None,
        "default",
        PLACE,
        name,
        measures=named(Measure),
        dimensions=named(Dimension),
        segments=named(Segment),
        **more,
    )


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    orders = _cube(
        0,
        "Orders",
        [
            _dimension("Orders", "id", "number", primary_key=True, public=False),
            _dimension("Orders", "status", "string"),
            _dimension("Orders", "amount", "number"),
            _dimension("Orders", "isPaid", "boolean"),
            _dimension("Orders", "createdAt", "time"),
            _dimension("Orders", "shippedAt", "time", time_kind="instant"),
            _dimension("Orders", "dueOn", "time", time_kind="date"),
            _measure("Orders", "count", "count"),
            _measure("Orders", "totalAmount", "sum"),
            _measure("Orders", "lastAt", "time"),
            _measure("Orders", "lastStatus", "string"),
            _measure("Orders", "anyPaid", "boolean"),
            _measure("Orders", "paidCount", "count", filters=(_sql("status = 'paid'"),)),
            _measure("Orders", "hiddenOne", "max", public=False),
            Segment("Orders", "paid", _sql("status = 'paid'"), PLACE, "Paid", "Paid"),
        ],
    )
    users = _cube(
        1,
        "Users",
        [
            _dimension("Users", "city", "string"),
            _dimension("Users", "createdAt", "time"),
            _measure("Users", "count", "count"),
        ],
    )
    secret = _cube(2, "Secret", [_measure("Secret", "n", "count")], public=False)
    error = ModelError("unknown key 'tipe'", file="model/broken.yml", line=7, column=5)
    return Catalog(
        MappingProxyType({cube.name: cube for cube in (orders, users, secret)}),
        "content",
        broken=MappingProxyType({"Broken": (error,)}),
        errors=(error,),
    )


Ask = Callable[..., tuple[Question, ...]]


@pytest.fixture(scope="session")
def ask_all(catalog: Catalog) -> Ask:
    """Parses and normalizes a query given as JSON values."""

    def ask(query: object, **more: Any) -> tuple[Question, ...]:
        return normalize(parse(query), catalog, **{"now": NOW, **more})

    return ask


@pytest.fixture(scope="session")
def ask(ask_all: Ask) -> Callable[..., Question]:
    """The one question that a query asks."""

    def one(query: object, **more: Any) -> Question:
        (question,) = ask_all(query, **more)
        return question

    return one
