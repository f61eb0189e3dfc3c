"""``.env`` files: ``NAME=value`` lines with quotes, ``export`` and comments.

Read here rather than by a library because every value must keep its line (``.env:3`` in messages and in
``cuboid config``), which python-dotenv does not report. Nothing is interpolated: a secret with a ``$`` stays
itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cuboid.errors import ConfigError

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>[^'"\s\#](?:[^\s]|\s(?!\s*\#))*)? )
    \s*(?:\#.*)?""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class EnvEntry:
    """One assignment and the 1-based line it stands on."""

    name: str
    value: str
    line: int


def read_env_file(path: Path) -> tuple[EnvEntry, ...]:
    """The assignments in ``path``, in order; none if there is no such file.

    Single quotes take their text as it is; in double quotes ``\\n``, ``\\"`` and ``\\\\`` are escapes; bare
    values end before a blank and ``#``. Raises :class:`ConfigError` with the line of what cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}", origin=path.name) from None
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            # The line itself may hold a secret: it is not repeated.
            raise ConfigError(
                f"{path.name}:{number}: this line is not NAME=value",
                origin=f"{path.name}:{number}",
                hint='Write NAME=value, NAME="value with blanks" or a comment that begins with #.',
            )
        entries.append(EnvEntry(match["name"], _value(match), number))
    return tuple(entries)


def env_line(name: str, value: str) -> str:
    """The line that :func:`read_env_file` reads as ``name`` and ``value``."""
    if re.fullmatch(r"[A-Za-z0-9_./:@-]+", value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    for letter, character in _ESCAPES.items():
        escaped = escaped.replace(character, f"\\{letter}")
    return f'{name}="{escaped}"'


def _value(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), match["double"])
    return (match["single"] or match["bare"] or "").strip()
