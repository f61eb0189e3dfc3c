"""How mistakes are planted into Cuboid at run time: in the finished SQL tree, or in place of a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlglot import exp

from cuboid.sql.lower import Lowering


@dataclass(frozen=True, slots=True)
class Mistake:
    """``plant`` is a context manager in which Cuboid makes the mistake."""

    title: str
    plant: Callable[[], Any]


def in_tree(title: str, change: Callable[[exp.Expr], object]) -> Mistake:
    """A mistake that shows in the SQL: ``change`` is made to every statement's tree."""

    @contextmanager
    def plant() -> Iterator[None]:
        right = Lowering.lower

        def wrong(self: Lowering) -> Any:
            lowered = right(self)
            change(lowered.tree)
            return lowered

        with patch.object(Lowering, "lower", wrong):
            yield

    return Mistake(title, plant)


def in_code(title: str, owner: Any, name: str, wrong: Any) -> Mistake:
    """A mistake in one function: ``wrong`` stands in its place."""
    return Mistake(title, lambda: patch.object(owner, name, wrong))


def each(kind: type[exp.Expr], change: Callable[[Any], object]) -> Callable[[exp.Expr], None]:
    """A change to every node of a kind."""

    def walk(tree: exp.Expr) -> None:
        for node in list(tree.find_all(kind)):
            change(node)

    return walk


def becomes(kind: type[exp.Expr], other: type[exp.Expr]) -> Callable[[exp.Expr], None]:
    """Every binary node of a kind becomes one of another."""
    return each(kind, lambda n: type(n) is kind and n.replace(other(this=n.this, expression=n.expression)))


def without(part: str) -> Callable[[exp.Expr], None]:
    """Every SELECT loses a clause."""
    return each(exp.Select, lambda select: select.set(part, None))
