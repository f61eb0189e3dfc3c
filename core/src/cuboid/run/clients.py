"""What drivers over a client library have in common: how cells become semantic values, and errors ours."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from cuboid.errors import ConnectionFailed, CuboidError, DriverError, QueryFailed
from cuboid.run.cells import Converter, semantic_rows
from cuboid.run.driver import Driver, DriverConfig
from cuboid.types import SemanticType, Statement, Value

UNVERIFIED = (
    "The server's certificate has expired, or no authority in ssl_ca (or the system's) has signed it."
)
"""A hint: not every client library says which."""


class ClientDriver(Driver):
    """The part of :class:`~cuboid.run.dbapi.DBAPIDriver` and :class:`~cuboid.run.sessions.SessionDriver` that asks
    neither threads nor tasks."""

    def __init__(self, config: DriverConfig) -> None:
        self.config = config
        self._secrets = tuple(
            value.get_secret_value() for _, value in config if isinstance(value, SecretStr) and str(value)
        )

    # ------------------------------------------------------------ hooks

    @abstractmethod
    def translate(self, error: Exception) -> DriverError:
        """The client library's error as :class:`ConnectionFailed` or :class:`QueryFailed`, with the database's
        words."""

    def converter(self, described: Any, meant: SemanticType | None) -> Converter | None:
        """What makes semantic values of a column's cells that are not NULL; None where the Python types that the client
        library returns say enough (:func:`cuboid.run.cells.semantic_cell`); :func:`cuboid.run.cells.as_it_is` where
        they are semantic already, which saves looking at each.

        :param described: the column in the cursor's ``description``.
        :param meant: what the statement says that the column means, if it says.
        """
        return None

    def convert(
        self, rows: Sequence[tuple[Any, ...]], converters: Mapping[int, Converter]
    ) -> Sequence[tuple[Value, ...]]:
        """Native cells to semantic types; the converters are those of :meth:`converter`, by column."""
        return semantic_rows(rows, converters)

    # ------------------------------------------------------------ for core

    def _converters(self, description: Any, statement: Statement) -> Mapping[int, Converter]:
        meant = (column.type for column in statement.columns) if statement.columns else itertools.repeat(None)
        found = map(self.converter, description or (), meant)
        return {index: convert for index, convert in enumerate(found) if convert is not None}

    def _translated(self, error: Exception, *, unreachable: bool) -> CuboidError:
        """``error`` as one of ours, without the secrets of the settings, which some libraries repeat.

        :param unreachable: there was no connection, so that is what failed.
        """
        failed = error if isinstance(error, CuboidError) else self.translate(error)
        if unreachable and isinstance(failed, QueryFailed):
            failed = ConnectionFailed(failed.message, hint=failed.hint)
        if isinstance(failed, ConnectionFailed) and "certificate verify failed" in failed.message.lower():
            failed.hint = failed.hint or UNVERIFIED
        for secret in self._secrets:
            if secret in failed.message:
                failed.message = failed.message.replace(secret, "********")
                failed.args = (failed.message,)
        return failed


def interrupted() -> QueryFailed:
    """How a statement fails that was stopped."""
    return QueryFailed("The statement was interrupted.")
