"""What members lead to: along any number of joins, in circles, and the same asked together as one by one."""

from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile
from cuboid.catalog.reach import Reach

LENGTH = 1500
"""Cubes in a row; Python's own stack has room for 1,000 calls."""


def chain(length: int, *, circle: bool) -> str:
    cubes = []
    for number in range(length):
        target = (number + 1) % length
        join = f"{{name: c{target}, relationship: many_to_one, sql: '{{CUBE}}.next = {{c{target}.id}}'}}"
        joins = f"joins: [{join}], " if circle or target else ""
        dimension = "{name: id, sql: id, type: number, primary_key: true, public: true}"
        cubes.append(f"  - {{name: c{number}, sql_table: t, {joins}dimensions: [{dimension}]}}")
    return "cubes:\n" + "\n".join(cubes)


def test_a_long_row_of_joins_is_walked_to_its_end() -> None:
    catalog = compile_catalog([ModelFile("model.yml", chain(LENGTH, circle=False))])
    assert not catalog.errors
    reach = Reach(catalog)
    assert reach.of(["c0.id"]).cubes == tuple(f"c{number}" for number in range(LENGTH))
    last = reach.of([f"c{LENGTH - 3}.id"])
    assert last.cubes == tuple(f"c{number}" for number in range(LENGTH - 3, LENGTH))
    assert reach.of([f"c{LENGTH - 3}.id", f"c{LENGTH - 1}.id"]) == last


def test_a_circle_is_walked_once() -> None:
    catalog = compile_catalog([ModelFile("model.yml", chain(LENGTH, circle=True))])
    found = Reach(catalog).of(["c700.id", "c3.id"])
    assert found.cubes == tuple(f"c{number}" for number in range(LENGTH))
