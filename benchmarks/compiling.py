"""Compiling a large model: 1,000 generated cubes of 20 members and 2 joins each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from environments import install
from measure import Row, resident

CUBES = 1000
TENANTS = 1000

T = TypeVar("T")


def cube(number: int) -> str:
    """One model file: a cube with 10 dimensions, 10 measures and joins to the next two."""
    joins = "".join(
        f"      - name: c{other}\n        relationship: many_to_one\n"
        f'        sql: "{{CUBE}}.k{step} = {{c{other}.id}}"\n'
        for step in (1, 2)
        for other in ((number + step) % CUBES,)
    )
    dimensions = "".join(
        f"      - name: d{n}\n        sql: d{n}\n        type: {'time' if n == 8 else 'string'}\n"
        for n in range(9)
    )
    measures = "".join(
        f'      - name: m{n}\n        sql: "{{CUBE}}.x{n} + 1"\n        type: sum\n' for n in range(10)
    )
    return (
        f"cubes:\n  - name: c{number}\n    sql_table: t{number}\n    joins:\n{joins}    dimensions:\n"
        f"      - name: id\n        sql: id\n        type: number\n        primary_key: true\n{dimensions}"
        f"    measures:\n{measures}"
    )


def measure() -> dict[str, float]:
    """Here and now: seconds to read the YAML alone, to compile, to compile after an edit, and for a thousand tenants;
    MiB that compiling takes, and that the tenants take beside."""
    import yaml

    from cuboid.catalog.compile import Compiler
    from cuboid.catalog.files import ModelFile
    from cuboid.catalog.settings import ModelSettings, compile_context

    files = tuple(ModelFile(f"model/c{n}.yml", cube(n)) for n in range(CUBES))
    compiler = Compiler()
    me = os.getpid()
    idle = resident(me)
    cold, catalog = seconds(lambda: compiler.compile(files))
    peak = resident(me, peak=True)
    if len(catalog.cubes) != CUBES or catalog.errors:
        raise SystemExit("the generated model does not compile")
    edits = []
    for number in range(5):
        text = files[500].text.replace("x0 + 1", f"x0 + {number + 2}")
        edited = (*files[:500], replace(files[500], text=text), *files[501:])
        edits.append(seconds(lambda edited=edited: compiler.compile(edited))[0])
    before = resident(me)
    spent, tenants = seconds(
        lambda: [
            compiler.compile(files, ModelSettings(compile_context({"tenant": number})))
            for number in range(TENANTS)
        ]
    )
    if len({id(tenant) for tenant in tenants}) != 1:
        raise SystemExit("tenants of one model do not share it")
    tenants_mib = resident(me) - before
    read, _ = seconds(
        lambda: [sum(1 for _ in yaml.parse(file.text, Loader=yaml.CSafeLoader)) for file in files]
    )
    return {
        "yaml": read,
        "cold": cold,
        "edit": min(edits),
        "tenants": spent,
        "mib": peak - idle,
        "tenants_mib": tenants_mib,
    }


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """The CPU time that the work takes, and what it gives."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


PEER = "sidemantic"
"""A semantic layer that reads Cube's YAML, too. It neither checks references nor remembers places."""

PEER_PROGRAM = """
import json, sys, time
from sidemantic.adapters.cube import CubeAdapter
start = time.process_time()
models = CubeAdapter().parse(sys.argv[1]).models
print(json.dumps({"seconds": time.process_time() - start, "models": len(models)}))
"""


def peer(rounds: int) -> float | None:
    """The least CPU seconds in which the peer reads the same files; None where it cannot be installed."""
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder) / "venv", [PEER])
        if python is None:
            return None
        model = Path(folder) / "model"
        model.mkdir()
        for number in range(CUBES):
            (model / f"c{number}.yml").write_text(cube(number))
        found = []
        for _ in range(rounds):
            program = [str(python), "-c", PEER_PROGRAM, str(model)]
            done = json.loads(
                subprocess.run(program, capture_output=True, check=True).stdout.splitlines()[-1]
            )
            if done["models"] != CUBES:
                return None
            found.append(float(done["seconds"]))
        return min(found)


def rows(rounds: int) -> list[Row]:
    """The report's rows: CPU seconds, the least of ``rounds`` processes."""
    found = [
        json.loads(subprocess.run([sys.executable, __file__], capture_output=True, check=True).stdout)
        for _ in range(rounds)
    ]
    least = {name: min(each[name] for each in found) for name in found[0]}
    events = "YAML events of 1,000 cubes"
    compiled = f"compile them ({least['mib']:.0f} MiB)"
    report = [
        Row(events, least["yaml"]),
        Row(compiled, least["cold"], events),
        Row("compile after an edit", least["edit"], compiled),
        Row(f"for 1,000 tenants ({least['tenants_mib']:.0f} MiB more)", least["tenants"], compiled),
    ]
    read_by_peer = peer(rounds)
    if read_by_peer is None:
        print(f"{PEER} cannot be installed here: no peer is measured.")
    else:
        report.append(Row(f"{PEER} reads them", read_by_peer, compiled))
    return report


if __name__ == "__main__":
    print(json.dumps(measure()))
