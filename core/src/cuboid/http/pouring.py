"""Answers that are sent while they are made. After the first byte a failure can only cut the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from cuboid.http.api import CLIENT_GONE, ApiHandler
from cuboid.http.logs import log

FIRST_CHUNK = 16 * 1024
"""Bytes that are awaited before the status is sent: most statements that fail do so before."""


class PouringHandler(ApiHandler):
    """A handler that may answer in chunks."""

    async def pour(self, chunks: AsyncIterator[bytes], content_type: str) -> None:
        """Answers with ``chunks``, as fast as the client reads them.

        What fails before anything was sent is an error like any other. Afterwards the connection is closed without the
        end that HTTP gives to a complete answer, so that every client notices.
        """
        self._pouring = asyncio.create_task(self._pour(chunks, content_type))
        try:
            await self._pouring
        except asyncio.CancelledError:
            if not self._gone and not self._abandoned:
                self._pouring.cancel()
                raise
            if self._abandoned and not self._headers_written:
                self.refuse()
                return
            self._cut_off(CLIENT_GONE)
        except StreamClosedError:
            self._cut_off(CLIENT_GONE)
        except Exception as error:  # where an error is written; here there is no place left for one
            if not self._headers_written:
                raise
            log.warning(
                "answer cut off", request_id=self.request_id, error=f"{type(error).__name__}: {error}"
            )
            self._cut_off(500)
        finally:
            self._pouring = None  # which knows this handler, as this handler knows it
            self.site.traffic.leave(self)

    async def _pour(self, chunks: AsyncIterator[bytes], content_type: str) -> None:
        async with aclosing(chunks):  # type: ignore[type-var]
            held = b""
            async for chunk in chunks:
                held += chunk
                enough = len(held) >= FIRST_CHUNK or self.request.method == "HEAD"
                if not enough and not self._headers_written:
                    continue
                self._describe(content_type)
                self.write(held)
                held = b""
                await self.flush()
                if self.request.method == "HEAD":
                    break
            self._describe(content_type)
            await self.finish(held)

    def _describe(self, content_type: str) -> None:
        if not self._headers_written:
            self.set_header("Content-Type", content_type)
            self.set_header("Cache-Control", "no-store")

    def _cut_off(self, status: int) -> None:
        """Closes the connection; the log has ``status``."""
        self._status_code = status
        cast("HTTP1Connection", self.request.connection).stream.close()
        self._finished = True
        self._break_cycles()  # as Tornado does at the end of an answer that is complete
        self._log()

    def compute_etag(self) -> str | None:
        return super().compute_etag() if self._pouring is None else None

    def abandon(self) -> None:
        super().abandon()
        if self._pouring is not None:
            self._pouring.cancel()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        if self._pouring is not None:
            self._pouring.cancel()

    _pouring: asyncio.Task[None] | None = None
