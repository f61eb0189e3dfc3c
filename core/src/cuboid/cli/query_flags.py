"""A query on the command line: as JSON, from standard input, or as flags."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import click

from cuboid.cli.options import Command
from cuboid.errors import InvalidQuery

_OPTIONS = (
    click.argument("query", required=False),
    click.option("--measure", "-m", "measures", multiple=True, help="A measure, e.g. orders.count."),
    click.option("--dimension", "-d", "dimensions", multiple=True, help="A dimension to group by."),
    click.option("--segment", "-s", "segments", multiple=True, help="A segment to keep to."),
    click.option(
        "--time",
        "-t",
        "times",
        multiple=True,
        metavar="DIMENSION[:GRANULARITY]",
        help="A time dimension, grouped if a granularity is given, e.g. orders.created_at:month.",
    ),
    click.option(
        "--range",
        "date_range",
        metavar="RANGE",
        help="Dates of the time dimension: 2024-01-01,2024-03-31 or e.g. 'last month'.",
    ),
    click.option(
        "--filter",
        "-f",
        "filters",
        multiple=True,
        metavar="'MEMBER OPERATOR VALUE…'",
        help="A condition, e.g. 'users.city equals Berlin \"New York\"'.",
    ),
    click.option("--order", "-o", multiple=True, metavar="MEMBER[:desc]", help="Sort by a member."),
    click.option("--limit", type=int, help="The most rows to give."),
    click.option("--offset", type=int, help="Rows to skip."),
    click.option("--timezone", help="Time zone of dates and groups, e.g. Europe/Berlin."),
)


def query_flags(command: Command) -> Command:
    """Gives a command the QUERY argument and all query flags; :func:`read_query` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_query(flags: dict[str, Any]) -> object:
    """The query that the values of :func:`query_flags` stand for; taken out of ``flags``.

    Raises :class:`click.UsageError` for none at all or for two ways at once, :class:`InvalidQuery` for bad
    JSON.
    """
    text = flags.pop("query")
    given = {name: flags.pop(name) for name in _names()}
    if text is not None:
        if any(value not in (None, ()) for value in given.values()):
            raise click.UsageError("Give the query as JSON or as flags, not both.")
        return _decode(sys.stdin.read() if text == "-" else text)
    query: dict[str, Any] = {
        name: list(given[name]) for name in ("measures", "dimensions", "segments") if given[name]
    }
    if given["times"]:
        query["timeDimensions"] = _time_dimensions(given["times"], given["date_range"])
    elif given["date_range"]:
        raise click.UsageError("--range needs the time dimension it is for: add --time.")
    if given["filters"]:
        query["filters"] = [_filter(text) for text in given["filters"]]
    if given["order"]:
        query["order"] = [_order(text) for text in given["order"]]
    query |= {name: given[name] for name in ("limit", "offset", "timezone") if given[name] is not None}
    if not query:
        raise click.UsageError("Give a query: JSON, '-' for JSON from standard input, or flags as -m.")
    return query


def _names() -> tuple[str, ...]:
    return (
        "measures",
        "dimensions",
        "segments",
        "times",
        "date_range",
        "filters",
        "order",
        "limit",
        "offset",
        "timezone",
    )


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidQuery(
            f"The query is not JSON: {error}", hint='A query looks like {"measures": ["orders.count"]}.'
        ) from None


def _time_dimensions(times: tuple[str, ...], date_range: str | None) -> list[dict[str, Any]]:
    if date_range and len({text.partition(":")[0] for text in times}) > 1:
        raise click.UsageError("--range with several time dimensions is not clear: give the query as JSON.")
    entries = []
    for text in times:
        dimension, _, granularity = text.partition(":")
        entry: dict[str, Any] = {"dimension": dimension}
        if granularity:
            entry["granularity"] = granularity
        if date_range:
            dates = [part.strip() for part in date_range.split(",")]
            entry["dateRange"] = dates if len(dates) > 1 else dates[0]
        entries.append(entry)
    return entries


def _filter(text: str) -> dict[str, Any]:
    """``member operator value…``: values are separated by blanks and may be quoted with ``"``."""
    words = shlex.shlex(text, posix=True)
    words.quotes, words.escape, words.commenters = '"', "", ""  # apostrophes and backslashes are data
    words.whitespace_split = True
    try:
        parts = list(words)
    except ValueError as error:
        raise click.BadParameter(f"{error} in {text!r}.", param_hint="--filter") from None
    if len(parts) < 2:
        raise click.BadParameter(f"{text!r} is not 'MEMBER OPERATOR VALUE…'.", param_hint="--filter")
    entry: dict[str, Any] = {"member": parts[0], "operator": parts[1]}
    if len(parts) > 2:
        entry["values"] = parts[2:]
    return entry


def _order(text: str) -> list[str]:
    member, _, direction = text.partition(":")
    if direction.lower() not in ("", "asc", "desc"):
        raise click.BadParameter(f"'{text}' is not MEMBER, MEMBER:asc or MEMBER:desc.", param_hint="--order")
    return [member, direction.lower() or "asc"]
