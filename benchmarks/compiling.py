"""Compiling a large model: 1,000 generated cubes of 20 members and 2 joins each."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from measure import Row

CUBES = 1000


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
    """Here and now: seconds to read the YAML alone, to compile, to compile after an edit; MiB that it takes."""
    import yaml

    from cuboid.catalog.compile import compile_catalog
    from cuboid.catalog.files import ModelFile

    files: Sequence[ModelFile] = [ModelFile(f"model/c{n}.yml", cube(n)) for n in range(CUBES)]
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    catalog = compile_catalog(files)
    cold = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if len(catalog.cubes) != CUBES or catalog.errors:
        raise SystemExit("the generated model does not compile")
    edited = [replace(files[0], text=files[0].text.replace("x0 + 1", "x0 + 2")), *files[1:]]
    start = time.process_time()
    compile_catalog(edited)
    edit = time.process_time() - start
    start = time.process_time()
    for file in files:
        for _ in yaml.parse(file.text, Loader=yaml.CSafeLoader):
            pass
    return {"yaml": time.process_time() - start, "cold": cold, "edit": edit, "mib": (peak - idle) / 1024}


def rows(rounds: int) -> list[Row]:
    """The report's rows: CPU seconds, the least of ``rounds`` processes."""
    found = [
        json.loads(subprocess.run([sys.executable, __file__], capture_output=True, check=True).stdout)
        for _ in range(rounds)
    ]
    least = {name: min(each[name] for each in found) for name in found[0]}
    return [
        Row("YAML events of 1,000 cubes", least["yaml"]),
        Row(f"compile them ({least['mib']:.0f} MiB)", least["cold"], "YAML events of 1,000 cubes"),
        Row("compile after an edit", least["edit"], "YAML events of 1,000 cubes"),
    ]


if __name__ == "__main__":
    print(json.dumps(measure()))
