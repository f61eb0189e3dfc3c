"""Constructs of the model that need no plan of their own, asked end to end."""

from __future__ import annotations

MODEL = """
cubes:
  - name: people
    sql: SELECT * FROM (VALUES (1, 'Ann', 1.5, 2.25, 'x'), (2, 'Ben', NULL, 3.5, 'y')) AS t (id, name, lat, lng, kind)
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
      - name: name
        sql: name
        type: string
        links: [{name: home, label: Home, url: "'https://example.org/' || {CUBE}.name"}]
      - {name: place, type: geo, latitude: {sql: lat}, longitude: {sql: "{CUBE}.lng"}}
    measures: [{name: count, type: count}]
  - name: some_people
    extends: people
    sql: SELECT * FROM {people.sql()} AS all_people WHERE kind = 'y'
views:
  - name: places
    cubes: [{join_path: people, includes: [name, place, count]}]
"""


def test_a_location_is_latitude_and_longitude(ask) -> None:
    expected = [["Ann", "1.5,2.25"], ["Ben", None]]
    assert sorted(ask(MODEL, dimensions=["people.name", "people.place"])) == expected
    assert sorted(ask(MODEL, dimensions=["places.name", "places.place"])) == expected


def test_a_child_reads_its_parents_rows(ask) -> None:
    assert ask(MODEL, dimensions=["some_people.name"], measures=["some_people.count"]) == [["Ben", "1"]]


def test_a_link_is_asked_like_a_dimension(ask) -> None:
    rows = ask(MODEL, dimensions=["people.name", "people.name___link_home_url"], order={"people.name": "asc"})
    assert rows == [["Ann", "https://example.org/Ann"], ["Ben", "https://example.org/Ben"]]
    assert ask(
        MODEL, dimensions=["places.name___link_home_url"], order={"places.name___link_home_url": "asc"}
    ) == [
        ["https://example.org/Ann"],
        ["https://example.org/Ben"],
    ]
