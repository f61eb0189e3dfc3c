"""What all of this folder's programs share: the questions' values, and the time from a question to its SQL.

A program is run by the interpreter of its own environment, ``program.py FOLDER ROUNDS``: the folder has Cube's model of
``by_hand.py``. It knows nothing but its own package and the standard library, and prints JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WARMING = 3
"""Layers that are asked before anything is measured: imports that were put off are not part of a question."""


@dataclass(frozen=True, slots=True)
class Values:
    """What differs from one asking of a question to the next: two statuses of orders, and the first and the last day of
    a range."""

    statuses: tuple[str, str]
    first: str
    last: str = "2024-12-31"
    after: str = "2025-01-01"

    @classmethod
    def of(cls, number: int) -> Values:
        """Those of the first asking find rows."""
        return cls(("paid", f"sent {number}" if number else "sent"), f"2024-01-{number % 28 + 1:02}")


Text = tuple[str, Sequence[object]]
"""A statement's text and parameters."""

Asked = Callable[[], Text]
"""A question with its values, as a client would send it; the call makes its text, and is what is measured."""

Questions = Mapping[str, Callable[[Values], Asked]]
"""All that a layer is asked, by its key in ``peers.py``."""


def measure(layer: Callable[[Path], Questions]) -> None:
    """Prints, of each question: the text for the first values, and the median CPU seconds of the first asking of a
    layer that was just made (making it is not counted), and of an asking with other values of one that was in use.
    Of a question that the layer refuses: what it says.

    :param layer: makes one of the model in the folder.
    """
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    used = layer(folder)
    told: dict[str, dict[str, object]] = {}
    for key, question in used.items():
        try:
            text, parameters = question(Values.of(0))()
        except Exception as error:
            told[key] = {"refused": f"{type(error).__name__}: {error}"}
            continue
        new = [seconds(layer(folder)[key](Values.of(number))) for number in range(WARMING + rounds)]
        again = [seconds(question(Values.of(number))) for number in range(1, 1 + WARMING + rounds)]
        told[key] = {
            "sql": text,
            "parameters": [str(each) for each in parameters],
            "new": statistics.median(new[WARMING:]),
            "again": statistics.median(again[WARMING:]),
        }
    print(json.dumps(told))


def seconds(asked: Asked) -> float:
    start = time.process_time()
    asked()
    return time.process_time() - start
