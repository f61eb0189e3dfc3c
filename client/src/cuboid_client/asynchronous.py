"""The client for asyncio: the blocking one's methods, awaited."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any

import httpx

from cuboid_client import protocol, tables
from cuboid_client.errors import CutOff, Unreachable, WaitedTooLong
from cuboid_client.protocol import Progress, Query, Request, Waiting
from cuboid_client.result import Result, Row, Sql


class AsyncClient:
    """Asks one server. Close it, or use it in an ``async with`` statement. For one event loop.

    :param url: the API's base path, e.g. ``http://localhost:4000/cubejs-api``.
    :param token: what the Authorization header holds, or a function, perhaps ``async``, that gives it for each request.
    :param patience: seconds to wait for an answer, however often the server says that it is not done.
    :param progress: called each time that it says so, with what it says.
    :param http: an httpx client of your own, with its certificates, proxies and limits.

    All methods raise :class:`cuboid_client.ClientError`.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        *,
        patience: float = 600.0,
        progress: Progress | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._patience = patience
        self._progress = progress
        self._http = http or httpx.AsyncClient(timeout=protocol.RESPONSE_SECONDS)

    async def load(self, query: Query) -> Result:
        """The answer to one query."""
        return protocol.single(await self.load_many(query))

    async def load_many(self, query: Query) -> list[Result]:
        """The answers to an array of queries, or to a query with ``compareDateRange``."""
        return protocol.results(await self._ask(protocol.load(query)))

    async def sql(self, query: Query) -> Sql:
        """The statement that would answer; nothing is run."""
        return protocol.statement(await self._ask(protocol.sql(query)))

    async def dry_run(self, query: Query) -> dict[str, Any]:
        """What the query means; nothing is run."""
        body: dict[str, Any] = await self._ask(protocol.dry_run(query))
        return body

    async def meta(self, *, extended: bool = False) -> dict[str, Any]:
        """What may be asked."""
        body: dict[str, Any] = await self._ask(protocol.meta(extended=extended))
        return body

    async def stream(self, query: Query) -> AsyncIterator[Row]:
        """The rows one by one, as they arrive; leaving the iterator stops the query. Values as in ``Result.rows``."""
        types = protocol.types_of(await self.meta())
        request = protocol.rows(query, protocol.LINES, exact=True)
        try:
            async with self._open(request, await self._bearer()) as response:
                await self._check(response)
                async for text in response.aiter_lines():
                    yield protocol.line(text, types)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise CutOff(f"The answer broke off: {error}") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url}: {error}") from None

    async def arrow(self, query: Query, *, exact: bool = True) -> Any:
        """The rows as a ``pyarrow.Table``; decimals as they are, or as ``float64`` if not ``exact``."""
        return tables.arrow_table(await self._table(query, exact))

    async def pandas(self, query: Query, *, exact: bool = False) -> Any:
        """The rows as a ``pandas.DataFrame``; decimals as ``float64``, or as ``Decimal`` if ``exact``."""
        return tables.pandas_frame(await self._table(query, exact))

    async def polars(self, query: Query, *, exact: bool = False) -> Any:
        """The rows as a ``polars.DataFrame``; decimals as ``Float64``, or as they are if ``exact``."""
        return tables.polars_frame(await self._table(query, exact))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, request: Request) -> Any:
        """The body of the answer, waited for."""
        began = time.monotonic()
        round = 0
        while True:
            round += 1
            asked = time.monotonic()
            response = await self._send(request, round)
            body = protocol.answer(response.status_code, response.headers, response.content)
            if not isinstance(body, Waiting):
                return body
            if self._progress is not None:
                self._progress(body.body)
            now = time.monotonic()
            if now - began > self._patience:
                raise WaitedTooLong(f"No answer within {self._patience:g} s.")
            await asyncio.sleep(max(0.0, protocol.SHORTEST_ROUND - (now - asked)))

    async def _send(self, request: Request, round: int) -> httpx.Response:
        try:
            return await self._http.request(
                request.method,
                f"{self._url}/{request.path}",
                params=request.parameters,
                json=request.body,
                headers=request.headers(await self._bearer(), round),
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url}: {error or type(error).__name__}") from None

    def _open(self, request: Request, token: str | None) -> Any:
        return self._http.stream(
            request.method,
            f"{self._url}/{request.path}",
            json=request.body,
            headers=request.headers(token, 1),
            timeout=httpx.Timeout(protocol.RESPONSE_SECONDS, read=self._patience),
        )

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code != 200:
            protocol.answer(response.status_code, response.headers, await response.aread())

    async def _table(self, query: Query, exact: bool) -> bytes:
        try:
            async with self._open(
                protocol.rows(query, protocol.ARROW, exact=exact), await self._bearer()
            ) as response:
                await self._check(response)
                content: bytes = await response.aread()
                return content
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise CutOff(f"The answer broke off: {error}") from None
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url}: {error or type(error).__name__}") from None

    async def _bearer(self) -> str | None:
        token = self._token() if callable(self._token) else self._token
        return await token if inspect.isawaitable(token) else token
