"""What a cube may have beside joins and members, and what a dimension says beside its value."""

from __future__ import annotations

import pytest

from cuboid.catalog.meta import describe
from cuboid.catalog.pieces import Template

CUBE = "cubes:\n  - name: a\n    sql_table: t\n    dimensions:\n      - {name: id, sql: id, type: number}\n"


def text(template: Template | None) -> str:
    assert template is not None
    return "".join(part for part in template.parts if isinstance(part, str))


def test_a_cube_builds_on_the_relation_of_another(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - {name: third, sql: "SELECT * FROM {second.sql()} WHERE x"}
          - {name: second, sql: "SELECT * FROM {first.sql()} -- of all"}
          - {name: first, sql_table: shop.orders}
        """
    )
    assert found.errors == ()
    assert text(found.cubes["second"].sql) == "SELECT * FROM shop.orders -- of all"
    assert text(found.cubes["third"].sql) == "SELECT * FROM (\nSELECT * FROM shop.orders -- of all\n) WHERE x"


def test_a_cube_goes_down_with_the_one_that_it_builds_on(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - {name: a, sql: 'SELECT * FROM {b.sql()}'}\n  - {name: b, sql_table: b, dimensions: [{name: x}]}\n"
    )
    assert sorted(found.broken) == ["a", "b"]


def test_relations_that_are_made_of_themselves_are_told(compile_text) -> None:
    found = compile_text(
        "cubes:\n  - {name: a, sql: 'SELECT * FROM {b.sql()}'}\n  - {name: b, sql: 'SELECT * FROM {a.sql()}'}\n"
    )
    assert [error.message for error in found.errors] == ["the relation of 'a' is made of itself: a -> b -> a"]
    assert sorted(found.broken) == ["a", "b"]


def test_relations_do_not_grow_without_bound(compile_text) -> None:
    doubled = "".join(
        f"  - {{name: c{index}, sql: 'SELECT * FROM {{c{index - 1}.sql()}} JOIN {{c{index - 1}.sql()}}'}}\n"
        for index in range(1, 40)
    )
    found = compile_text(f"cubes:\n  - {{name: c0, sql: SELECT 1}}\n{doubled}")
    assert any("longer than SQL can be" in error.message for error in found.errors)


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT * FROM ¦{bb.sql()}", "there is no cube 'bb'", "'b'"),
        ("SELECT * FROM ¦{b.sql(1)}", "has no meaning here", "{cube.sql()}"),
        ("SELECT ¦{b.x} FROM b", "has no meaning here", "{cube.sql()}"),
    ],
)
def test_mistakes_of_relations(assert_error, sql: str, message: str, hint: str) -> None:
    assert_error(f"cubes: [{{name: a, sql: '{sql}'}}, {{name: b, sql_table: b}}]\n", message, hint)


def test_a_link_is_shown_and_its_url_is_a_dimension(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - name: users
            sql_table: users
            dimensions:
              - {name: id, sql: id, type: number, primary_key: true}
              - name: full_name
                sql: full_name
                type: string
                links:
                  - {name: search, label: Search, url: "'https://x.org/?q=' || {CUBE}.full_name", icon: world}
                  - {name: board, label: Board, dashboard: it's, primary: true}
        views:
          - {name: v, cubes: [{join_path: users, prefix: true, includes: [full_name]}]}
        """
    )
    assert found.errors == ()
    url = found.dimension("users.full_name___link_search_url")
    assert (url.type, url.public, url.synthetic) == ("string", False, True)
    assert text(found.dimension("users.full_name___link_board_url").sql) == "'/dashboard/it''s'"
    cube, view = describe(found, hidden=True)["cubes"]
    shown = {each["name"]: each for each in cube["dimensions"]}
    assert shown["users.full_name"]["links"] == [
        {"name": "search", "label": "Search", "icon": "world", "target": "blank"},
        {"name": "board", "label": "Board", "target": "self", "primary": True, "dashboard": "it's"},
    ]
    assert shown["users.full_name___link_search_url"]["synthetic"] is True
    assert [each["name"] for each in view["dimensions"]] == [
        "v.users_full_name",
        "v.users_full_name___link_search_url",
        "v.users_full_name___link_board_url",
    ]
    visible = describe(found, hidden=False)["cubes"]
    assert [each["name"] for each in visible[1]["dimensions"]] == ["v.users_full_name"]


def test_a_link_with_parameters_has_them_in_its_url(compile_text) -> None:
    found = compile_text(
        CUBE.replace(
            "type: number}",
            "type: number, links: [{name: l, label: L, dashboard: d, params: [{key: k, value: '{id}'}]}]}",
        )
    )
    assert (found.errors, found.warnings) == ((), ())
    assert found.dimension("a.id").links[0]["params"] == [{"key": "k"}]
    url = found.dimension("a.id___link_l_url")
    assert [(key, [each.member for each in value.references]) for key, value in url.parameters] == [
        ("k", ["a.id"])
    ]


def test_a_view_shows_links_with_parameters_without_appending_them_twice(compile_text) -> None:
    link = "links: [{name: l, label: L, dashboard: d, params: [{key: k, value: id}]}]"
    found = compile_text(
        CUBE.replace("type: number}", f"type: number, public: true, {link}}}")
        + "views: [{name: v, cubes: [{join_path: a, includes: [id]}]}]\n"
    )
    assert found.errors == ()
    assert found.dimension("v.id___link_l_url").parameters == ()


def test_a_time_may_be_stored_as_a_text_and_a_measure_marked_as_cumulative(compile_text) -> None:
    found = compile_text(
        """
        cubes:
          - name: a
            sql_table: a
            dimensions: [{name: at, sql: at, type: time, field_type: string}]
            measures: [{name: m, sql: m, type: sum, cumulative: true}, {name: n, type: count}]
        views: [{name: v, cubes: [{join_path: a, includes: "*"}]}]
        """
    )
    assert (found.errors, found.warnings) == ((), ())
    assert (found.dimension("a.at").text_time, found.dimension("v.at").text_time) == (True, False)
    shown = {
        each["name"]: each["cumulative"]
        for cube in describe(found, hidden=True)["cubes"]
        for each in cube["measures"]
    }
    assert shown == {"a.m": True, "a.n": False, "v.m": True, "v.n": False}


@pytest.mark.parametrize(
    ("dimension", "message", "hint"),
    [
        ("{name: at, sql: at, type: time, field_type: ¦number}", "'number' is no field_type", "string"),
        (
            "{name: at, sql: at, type: number, field_type: ¦string}",
            "belongs to dimensions of type time",
            None,
        ),
    ],
)
def test_mistakes_of_field_types(assert_error, dimension: str, message: str, hint: str | None) -> None:
    assert_error(f"cubes: [{{name: a, sql_table: a, dimensions: [{dimension}]}}]\n", message, hint)


@pytest.mark.parametrize(
    ("link", "message", "hint"),
    [
        ("¦{name: l, url: x}", "this link has no 'label'", None),
        ("¦{name: l, label: L}", "either 'url' or 'dashboard'", None),
        ("¦{name: l, label: L, url: x, dashboard: y}", "either 'url' or 'dashboard'", None),
        ("{name: l, label: L, url: x, target: ¦top}", "'top' is no target", "blank"),
        ("{name: l, label: L, url: '¦{nothing}'}", "'nothing' is neither", None),
        ("{name: l, label: L, url: x}, {name: ¦l, label: L, url: x}", "there are two links 'l'", None),
    ],
)
def test_mistakes_of_links(assert_error, link: str, message: str, hint: str | None) -> None:
    assert_error(CUBE.replace("type: number}", f"type: number, links: [{link}]}}"), message, hint)


def test_a_dimensions_order_key_and_currency_are_shown(compile_text) -> None:
    found = compile_text(
        CUBE
        + "      - {name: d, sql: d, type: number, order: desc, key: id, currency: eur, format: currency,"
        + " aliases: [e], values_as_segments: true, enable_suggestions: false}\n"
    )
    assert (found.errors, found.warnings) == ((), ())
    described = describe(found, hidden=False)["cubes"][0]["dimensions"][1]
    assert {key: described[key] for key in ("order", "key", "currency", "suggestFilterValues")} == {
        "order": "desc",
        "key": "a.id",
        "currency": "EUR",
        "suggestFilterValues": False,
    }
    assert described["formatDescription"] == {"name": "currency", "specifier": "$,.2~f", "currency": "EUR"}


def test_the_key_of_an_included_dimension_is_included_too(compile_text, assert_error) -> None:
    cube = CUBE + "      - {name: d, sql: d, type: number, key: id}\n"
    found = compile_text(f"{cube}views: [{{name: v, cubes: [{{join_path: a, includes: '*'}}]}}]\n")
    assert found.dimension("v.d").key == "v.id"
    assert_error(
        f"{cube}views: [{{name: v, cubes: [{{join_path: a, includes: [¦d]}}]}}]\n",
        "'a.d' is identified by 'a.id', which this view does not include",
        "Include 'id' too",
    )


def test_hierarchies_have_levels_of_any_cube(compile_text) -> None:
    found = compile_text(
        CUBE.replace(
            "    dimensions", "    joins: [{name: b, relationship: has_one, sql: 1 = 1}]\n    dimensions"
        )
        + "    hierarchies:\n"
        + "      - {name: h, title: Levels, levels: [id, b.x]}\n      - {name: i, levels: [CUBE.id], public: false}\n"
        + "  - {name: b, sql_table: b, dimensions: [{name: x, sql: x, type: string}]}\n"
    )
    assert found.errors == ()
    assert describe(found, hidden=False)["cubes"][0]["hierarchies"] == [
        {"name": "a.h", "title": "Levels", "levels": ["a.id", "b.x"], "public": True},
        {"name": "a.i", "title": "I", "levels": ["a.id"], "public": False},
    ]


@pytest.mark.parametrize(
    ("hierarchy", "message", "hint"),
    [
        ("¦{name: h}", "this hierarchy has no 'levels'", "widest first"),
        ("{name: h, levels: [¦idd]}", "'idd' is neither", "'id'"),
        ("{name: ¦id, levels: [id]}", "two members named 'id'", "share the names"),
        ("{name: h, levels: [id]}, {name: ¦h, levels: [id]}", "two members named 'h'", None),
    ],
)
def test_mistakes_of_hierarchies(assert_error, hierarchy: str, message: str, hint: str | None) -> None:
    assert_error(f"{CUBE}    hierarchies: [{hierarchy}]\n", message, hint)


@pytest.mark.parametrize(
    ("written", "relationship"),
    [
        ("many_to_one", "many_to_one"),
        ("manyToOne", "many_to_one"),
        ("belongs_to", "many_to_one"),
        ("belongsTo", "many_to_one"),
        ("one_to_many", "one_to_many"),
        ("oneToMany", "one_to_many"),
        ("has_many", "one_to_many"),
        ("hasMany", "one_to_many"),
        ("one_to_one", "one_to_one"),
        ("oneToOne", "one_to_one"),
        ("has_one", "one_to_one"),
        ("hasOne", "one_to_one"),
    ],
)
def test_relationships_have_new_and_old_names(compile_text, written: str, relationship: str) -> None:
    found = compile_text(
        f"cubes:\n  - {{name: a, sql_table: a, joins: [{{name: b, relationship: {written}, sql: 1 = 1}}]}}\n"
        "  - {name: b, sql_table: b}\n"
    )
    assert found.cubes["a"].joins[0].relationship == relationship


@pytest.mark.parametrize("key", ["public", "shown"])
def test_a_hidden_cube_hides_its_members(compile_text, key: str) -> None:
    found = compile_text(CUBE.replace("    dimensions", f"    {key}: false\n    dimensions"))
    assert not found.cubes["a"].public
    assert not found.dimension("a.id").public
    assert describe(found, hidden=False) == {"cubes": []}


def test_an_origin_with_a_zone_is_read_without_it(compile_text) -> None:
    found = compile_text(
        CUBE + "      - name: t\n        sql: t\n        type: time\n"
        "        granularities: [{name: g, interval: 1 day, origin: '2024-01-02T12:00:00.000Z'}]\n"
    )
    assert found.errors == ()
    assert found.dimension("a.t").granularities["g"].origin.isoformat() == "2024-01-02T12:00:00"
    assert "the zone of an origin is not heeded" in found.warnings[0].message


def test_a_measures_mask_aggregates_by_itself(compile_text) -> None:
    found = compile_text(
        CUBE + "    measures:\n      - {name: n, type: count}\n"
        "      - {name: m, type: sum, sql: x, mask: {sql: 'AVG({CUBE}.x) + {n}'}}\n"
    )
    assert found.errors == ()
    assert isinstance(found.measure("a.m").mask, Template)


@pytest.mark.parametrize(
    ("type", "mask", "fits"),
    [
        ("string", "'***'", True), ("string", "0", True), ("number", "0", True), ("number", "-1.5", True),
        ("number", "'***'", False), ("number", ".nan", False), ("boolean", "false", True), ("boolean", "0", False),
        ("time", "'1970-01-01'", True), ("time", "1970-01-01", True), ("time", "hidden", False),
        ("number", "null", True),
    ],
)  # fmt: skip
def test_a_mask_is_of_the_member_s_type(compile_text, type: str, mask: str, fits: bool) -> None:
    """It is a warning: without anybody who sees the member masked nothing is wrong."""
    found = compile_text(
        f"cubes: [{{name: a, sql_table: a, dimensions: [{{name: d, sql: d, type: {type}, mask: {mask}}}]}}]"
    )
    assert found.errors == ()
    assert [f"is no {type}" in each.message for each in found.warnings] == ([] if fits else [True])
