"""Logs: JSON lines where stderr is no terminal, readable ones where it is; one line a request.

A line names method, path, status, time and request id; never headers, tokens or the query string. Tracebacks
are plain: those with local variables would print what those variables hold.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor
    from tornado.web import RequestHandler

log = structlog.get_logger("cuboid.http")

_lines: logging.StreamHandler[TextIO] | None = None
"""Where JSON lines go, if that is what logs are."""

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(*, level: str = "info", stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Sends all logs of the process, other libraries' too, to ``stream`` (stderr) from ``level`` up.

    :param as_json: None for JSON unless ``stream`` is a terminal.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if as_json is None else as_json
    ending: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    global _lines
    handler = logging.StreamHandler(stream)
    _lines = handler if as_json else None
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log_request(handler: RequestHandler) -> None:
    """The one line of a request that is over; status 499 if its client did not wait for the answer.

    What a stopping server refuses is in order: no error.
    """
    status = handler.get_status()
    level = logging.ERROR if status >= 500 and not getattr(handler, "refused", False) else logging.INFO
    line = {
        "method": handler.request.method,
        "path": printable(handler.request.path),
        "status": status,
        "ms": round(handler.request.request_time() * 1000, 1),
        "request_id": getattr(handler, "request_id", None),
    }
    root = logging.getLogger()
    if _lines is None or root.handlers != [_lines]:
        log.log(level, "request", **line)
    elif level >= root.level:
        _write(_lines, level, line)


def _write(lines: logging.StreamHandler[TextIO], level: int, line: dict[str, Any]) -> None:
    """The very line that the processors would make; they take a third of the time of a cached answer."""
    name = logging.getLevelName(level).lower()
    whole = {**line, "event": "request", "level": name, "timestamp": datetime.now(UTC)}
    text = orjson.dumps(whole, option=orjson.OPT_UTC_Z).decode()
    lines.acquire()
    try:
        lines.stream.write(text + lines.terminator)
        lines.flush()
    finally:
        lines.release()


def printable(text: str) -> str:
    """``text`` with everything that could forge a line or move a terminal's cursor escaped, cut to 500 characters."""
    if len(text) <= 500 and text.isascii() and text.isprintable():
        return text
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text[:500])
