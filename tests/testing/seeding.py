"""Mistakes planted into a plugin that passes the kit, and what the kit says of them."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cuboid
from cuboid.testing import DriverConformance
from cuboid_duckdb.dialect import DuckDBDialect
from cuboid_duckdb.driver import DuckDBConfig, DuckDBDriver
from cuboid_duckdb.queue import DuckDBQueue


@dataclass(frozen=True, slots=True)
class Mistake:
    """One plausible mistake.

    :param caught_by: words of the kit's tests that are expected to fail; the whole kit is the script's to run.
    :param dialect: attributes of the dialect that replace the right ones; likewise ``driver``, ``config``, ``queue``.
    :param settings: added to the data source's.
    :param slow_places: what a mistake leaves running ends by itself, after a second or a few.
    """

    title: str
    caught_by: tuple[str, ...]
    dialect: Mapping[str, Any] = field(default_factory=dict)
    driver: Mapping[str, Any] = field(default_factory=dict)
    config: type[DuckDBConfig] = DuckDBConfig
    queue: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    slow_places: int = 8

    def case(self) -> type[DriverConformance]:
        """The kit for the plugin with the mistake in it."""
        dialect = type("WrongDialect", (DuckDBDialect,), dict(self.dialect))
        queue = type("WrongQueue", (DuckDBQueue,), dict(self.queue))
        driver = type("WrongDriver", (DuckDBDriver,), {"Config": self.config, "queue": queue, **self.driver})
        settings = {"database": ":memory:", **self.settings}
        return type(
            "Seeded",
            (DriverConformance,),
            {
                "plugin": plugin(dialect, driver),
                "driver": "duckdb",
                "embedded": True,
                "deadline": 3.0 if self.caught_by else 60.0,
                "slow_places": self.slow_places,
                "unread_places": 6,
                "config": lambda self: settings,
                "unreachable": lambda self: {**settings, "database": "no/such/folder/shop.duckdb"},
            },
        )


def plugin(dialect: type[cuboid.Dialect], driver: type[cuboid.Driver]) -> types.ModuleType:
    """A plugin module that registers these."""
    module = types.ModuleType("cuboid_duckdb")

    @cuboid.hookimpl
    def register_dialects(register: Callable[[type[cuboid.Dialect]], None]) -> None:
        register(dialect)

    @cuboid.hookimpl
    def register_drivers(register: Callable[[type[cuboid.Driver]], None]) -> None:
        register(driver)

    vars(module).update(register_dialects=register_dialects, register_drivers=register_drivers)
    return module


def tests(case: type[DriverConformance]) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """Every test of the kit with each of its parameters: name, parameters, and the call, as pytest makes it."""
    for name in sorted(dir(case)):
        if not name.startswith("test_"):
            continue
        function = getattr(case, name)
        marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
        choices = [
            [dict(zip(names(mark.args[0]), values(mark.args[0], row), strict=True)) for row in mark.args[1]]
            for mark in marks
        ]
        for picked in itertools.product(*choices):
            arguments = {key: value for each in picked for key, value in each.items()}
            yield (
                name,
                ", ".join(map(str, arguments.values())),
                lambda f=function, a=arguments: call(case, f, a),
            )  # type: ignore[misc]


def call(case: type[DriverConformance], function: Callable[..., None], arguments: Mapping[str, Any]) -> None:
    """Runs one test on an object of its own."""
    with contextlib.ExitStack() as stack:
        if "tmp_path" in inspect.signature(function).parameters:
            arguments = {**arguments, "tmp_path": Path(stack.enter_context(tempfile.TemporaryDirectory()))}
        function(case(), **arguments)


def names(argument: str | Sequence[str]) -> Sequence[str]:
    return argument.replace(" ", "").split(",") if isinstance(argument, str) else argument


def values(argument: str | Sequence[str], row: Any) -> Sequence[Any]:
    return (row,) if len(names(argument)) == 1 else row


def failures(mistake: Mistake, only: Sequence[str] = ("",), *, all: bool = False) -> dict[str, str]:
    """The kit's tests that fail, with the reason's first line.

    :param only: tests whose name contains one of these.
    :param all: go on after the first failure; a test with parameters still fails once.
    """
    failed: dict[str, str] = {}
    for name, _, run in tests(mistake.case()):
        if name in failed or not any(word in name for word in only):
            continue
        try:
            run()
        except BaseException as error:  # pytest.fail raises no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            lines = str(error).splitlines()
            failed[name] = f"{type(error).__name__}: {lines[0] if lines else ''}"
            if not all:
                break
    return failed
