"""Views: which members they take from which cubes, by which path, under which name; and how they are shown."""

from __future__ import annotations

import pytest

from cuboid.catalog.meta import describe
from cuboid.catalog.model import Catalog, Cube
from cuboid.catalog.pieces import MemberReference
from cuboid.catalog.views import DefaultFilter, Folder, ViewGroup

CUBES = """
cubes:
  - name: orders
    sql_table: orders
    joins:
      - {name: users, relationship: many_to_one, sql: "{CUBE}.user_id = {users.id}"}
      - {name: shops, relationship: many_to_one, sql: "{CUBE}.shop_id = {shops.id}"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: status, sql: status, type: string, title: State, description: where it is, meta: {a: 1}}
      - name: at
        sql: at
        type: time
        time_kind: date
        granularities: [{name: fiscal, interval: 1 year, offset: 3 months}]
    measures:
      - {name: count, type: count, drill_members: [id, status, users.city, shops.city]}
      - {name: total, type: sum, sql: amount, format: currency, currency: EUR, public: false}
      - {name: last_at, type: time, sql: "max({CUBE}.at)"}
    segments: [{name: paid, sql: "{CUBE}.paid"}]
    hierarchies: [{name: when, levels: [at, status]}]
  - name: users
    sql_table: users
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
    measures: [{name: count, type: count}]
    hierarchies: [{name: place, levels: [cities.name, city]}]
  - name: shops
    sql_table: shops
    joins: [{name: cities, relationship: many_to_one, sql: "{CUBE}.city_id = {cities.id}"}]
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: city, sql: city, type: string}
  - name: cities
    sql_table: cities
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: name, sql: name, type: string}
"""


def compiled(compile_text, views: str) -> Catalog:
    found: Catalog = compile_text(CUBES, views)
    assert found.errors == ()
    return found


def view(compile_text, cubes: str, rest: str = "") -> Cube:
    found = compiled(compile_text, f"views:\n  - name: v\n    cubes: {cubes}\n    {rest}\n")
    return found.cubes["v"]


def names(cube: Cube) -> list[str]:
    return [member.name for member in cube.members()]


def test_a_member_of_a_view_is_one_reference_with_the_join_path(compile_text) -> None:
    found = view(
        compile_text, "[{join_path: orders, includes: [count]}, {join_path: orders.users, includes: [city]}]"
    )
    city = found.dimensions["city"]
    assert city.sql is not None
    assert city.sql.parts == (MemberReference("users.city", ("orders", "users")),)
    assert (city.alias_member, city.full_name) == ("users.city", "v.city")
    count = found.measures["count"]
    assert count.sql is not None
    assert count.sql.parts == (MemberReference("orders.count", ("orders",)),)
    assert (count.type, count.agg_type, count.composed) == ("number", "count", True)
    assert (found.sql, found.sql_table) == (None, None)
    assert found.view is not None
    assert found.view.paths == (("orders",), ("orders", "users"))


def test_a_star_includes_all_and_excludes_takes_away(compile_text) -> None:
    found = view(compile_text, '[{join_path: orders, includes: "*", excludes: [total, id]}]')
    assert names(found) == ["count", "last_at", "status", "at", "paid"]
    assert [hierarchy.name for hierarchy in found.hierarchies] == ["when"]


def test_names_have_a_prefix_of_the_cube_or_of_its_alias(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders.users, prefix: true, includes: [city]},"
        " {join_path: orders.shops, prefix: true, alias: seller, includes: [{name: city, alias: town}]}]",
    )
    assert names(found) == ["users_city", "seller_town"]
    assert found.dimensions["users_city"].short_title == "Users City"


def test_titles_descriptions_formats_and_meta_are_inherited_or_overridden(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders, includes: [status, total,"
        " {name: count, alias: number, title: How many, description: of orders, format: percent, meta: {b: 2}}]}]",
    )
    status, total, number = found.dimensions["status"], found.measures["total"], found.measures["number"]
    assert (status.title, status.description, status.meta) == ("V State", "where it is", {"a": 1})
    # What a view includes is public: the view is what decides.
    assert (total.format, total.currency, total.public) == ("currency", "EUR", True)
    assert (number.title, number.description, number.format, number.meta) == (
        "V How many",
        "of orders",
        "percent",
        {"b": 2},
    )


def test_types_time_kinds_and_granularities_come_along(compile_text) -> None:
    found = view(compile_text, "[{join_path: orders, includes: [at, last_at]}]")
    at = found.dimensions["at"]
    assert (at.type, at.time_kind, list(at.granularities)) == ("time", "date", ["fiscal"])
    assert (found.measures["last_at"].type, found.measures["last_at"].agg_type) == ("time", "time")


def test_drill_members_are_those_that_the_view_has_under_its_names(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders, includes: [count, status]}, {join_path: orders.users, prefix: true, includes: [city]}]",
    )
    assert found.measures["count"].drill_members == ("v.status", "v.users_city")


def test_a_hierarchy_brings_its_levels_of_all_included_cubes(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders.users, includes: [place]},"
        " {join_path: orders.users.cities, prefix: true, includes: [id]}]",
    )
    assert names(found) == ["city", "cities_id", "cities_name"]
    (place,) = found.hierarchies
    assert (place.levels, place.alias_member) == (("v.cities_name", "v.city"), "users.place")


def test_split_makes_a_view_of_its_own(compile_text) -> None:
    found = compiled(
        compile_text,
        "views: [{name: v, cubes: [{join_path: orders, includes: [count]},"
        " {join_path: orders.users, split: true, includes: [city]}]}]",
    )
    assert [(cube.name, names(cube)) for cube in found.cubes.values() if cube.view] == [
        ("v", ["count"]),
        ("v_users", ["city"]),
    ]
    sql = found.dimension("v_users.city").sql
    assert sql is not None
    assert sql.references[0].path == ("orders", "users")


def test_own_members_are_formulas_over_members_by_the_views_paths(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders, includes: [count, status]}, {join_path: orders.users, prefix: true, includes: [count]}]",
        'measures: [{name: share, type: number, sql: "{count} / {users.count} + {CUBE.users_count}"}]\n'
        '    dimensions: [{name: where, type: string, sql: "{users.city} || {status}"}]\n'
        '    segments: [{name: odd, sql: "{orders.users.cities.name} IS NULL"}]',
    )
    share = found.measures["share"]
    assert share.composed
    assert [(each.member, each.path) for each in share.sql.references] == [  # type: ignore[union-attr]
        ("orders.count", ("orders",)),
        ("users.count", ("orders", "users")),
        ("users.count", ("orders", "users")),
    ]
    where = found.dimensions["where"].sql
    assert where is not None
    assert [each.path for each in where.references] == [("orders", "users"), ("orders",)]


def test_a_view_continues_another(compile_text) -> None:
    found = compiled(
        compile_text,
        """
        views:
          - name: wide
            extends: narrow
            description: more
            cubes: [{join_path: orders.users, includes: [city]}]
            folders: [{name: Where, includes: [city]}]
          - name: narrow
            title: Sales
            cubes: [{join_path: orders, includes: [count]}]
            folders: [{name: What, includes: [count]}]
        """,
    )
    wide = found.cubes["wide"]
    assert (names(wide), wide.title, wide.extends) == (["count", "city"], "Sales", "narrow")
    assert [folder.name for folder in wide.folders] == ["What", "Where"]
    assert names(found.cubes["narrow"]) == ["count"]


def test_folders_nest_and_take_all_of_a_path(compile_text) -> None:
    found = view(
        compile_text,
        '[{join_path: orders, includes: "*"}, {join_path: orders.users, prefix: true, includes: "*"}]',
        "folders: [{name: A, includes: [status, {name: B, includes: [{join_path: orders.users}]}, when]},"
        ' {name: C, includes: "*"}]',
    )
    a, c = found.folders
    inner = Folder("B", ("v.users_count", "v.users_id", "v.users_city"))
    # Dimensions before measures: the order in which the cube declares them.
    assert isinstance(a.items[1], Folder)
    assert sorted(each for each in a.items[1].items if isinstance(each, str)) == sorted(
        each for each in inner.items if isinstance(each, str)
    )
    assert (a.items[0], a.items[2]) == ("v.status", "v.when")
    assert "v.when" in c.items
    assert "v.users_city" in c.items


def test_meta_flattens_folders_and_keeps_them_nested(compile_text) -> None:
    found = compiled(
        compile_text,
        """
        views:
          - name: v
            cubes: [{join_path: orders, includes: [count, status, at]}]
            folders:
              - {name: A, includes: [count, {name: B, includes: [status, count]}, at]}
        """,
    )
    (described,) = describe(found, hidden=False, only_views=True)["cubes"]
    assert described["folders"] == [{"name": "A", "members": ["v.count", "v.status", "v.at"]}]
    assert described["nestedFolders"] == [
        {"name": "A", "members": ["v.count", {"name": "B", "members": ["v.status", "v.count"]}, "v.at"]}
    ]
    (described,) = describe(found, hidden=False, only_views=True, folder_delimiter=" / ")["cubes"]
    assert described["folders"] == [
        {"name": "A / B", "members": ["v.status", "v.count"]},
        {"name": "A", "members": ["v.count", "v.at"]},
    ]


def test_default_filters_are_queries_filters_on_the_views_members(compile_text) -> None:
    found = view(
        compile_text,
        "[{join_path: orders, includes: [count, status, at]}]",
        "default_filters: [{member: orders.status, operator: equals, values: [paid], unless: [at]},"
        " {member: at, operator: in_date_range, values: last week}]",
    )
    assert found.view is not None
    assert found.view.default_filters == (
        DefaultFilter({"member": "v.status", "operator": "equals", "values": ["paid"]}, ("v.at",)),
        DefaultFilter({"member": "v.at", "operator": "inDateRange", "values": ["last week"]}),
    )


def test_view_groups_hold_views_and_groups_and_views_may_name_theirs(compile_text) -> None:
    found = compiled(
        compile_text,
        """
        view_groups:
          - name: all
            title: Everything
            includes: [one, {name: inner, includes: [two]}]
          - {name: old, views: [one], description: as it was}
        views:
          - {name: one, cubes: [{join_path: orders, includes: [count]}]}
          - {name: two, cubes: [{join_path: orders, includes: [count]}], view_groups: [old]}
        """,
    )
    everything, old = found.view_groups
    assert (everything.title, everything.includes[0]) == ("Everything", "one")
    assert isinstance(everything.includes[1], ViewGroup)
    assert (old.description, old.includes) == ("as it was", ("one", "two"))
    body = describe(found, hidden=False, only_views=True)
    assert [(cube["name"], cube["viewGroups"]) for cube in body["cubes"]] == [
        ("one", ["all", "old"]),
        ("two", ["inner", "old"]),
    ]
    assert body["viewGroups"][0]["includes"][1]["views"] == ["two"]
    assert body["viewGroups"][1]["views"] == ["one", "two"]


def test_a_view_goes_down_with_its_cubes(compile_text) -> None:
    catalog = compile_text(
        CUBES.replace("{name: city, sql: city, type: string}", "{name: city, sql: city, type: strin}", 1),
        "views: [{name: v, cubes: [{join_path: orders, includes: [count]}]},"
        " {name: w, cubes: [{join_path: cities, includes: [name]}]}]",
    )
    assert sorted(catalog.broken) == ["orders", "users", "v"]
    assert len(catalog.errors) == 1
    assert "w" in catalog.cubes


def test_a_view_of_an_unreadable_cube_says_why(compile_text) -> None:
    catalog = compile_text(
        "cubes:\n  - name: a\n    sql_table: [\n",
        "cubes: [{name: b, sql_table: b, dimensions: [{name: x, sql: x, type: string}]}]",
        "views:\n  - {name: v, cubes: [{join_path: a, includes: [x]}]}\n"
        "  - {name: w, cubes: [{join_path: b, includes: [x]}]}\n",
    )
    assert sorted(catalog.broken) == ["a", "v"]
    assert [error.file for error in catalog.errors] == ["a.yml"]
    assert catalog.broken["v"] == catalog.errors


def test_what_is_excluded_but_not_there_is_warned_about(compile_text) -> None:
    found = compiled(
        compile_text, 'views: [{name: v, cubes: [{join_path: orders, includes: "*", excludes: [totl]}]}]'
    )
    (warning,) = found.warnings
    assert warning.message == "cube 'orders' has no member 'totl' to exclude"
    assert "'total'" in (warning.hint or "")


MISTAKES = [
    ("cubes: [{join_path: ¦order, includes: '*'}]", "there is no cube 'order'", "'orders'"),
    ("cubes: [{join_path: ¦users.orders, includes: '*'}]", "cube 'users' has no join to 'orders'", "joins"),
    ("cubes: [¦{includes: '*'}]", "has no 'join_path'", "orders.users"),
    ("cubes: [¦{join_path: orders}]", "has no 'includes'", "for all"),
    ("cubes: [{join_path: orders, includes: ¦count}]", "'includes' is a list", "brackets"),
    ("cubes: [{join_path: orders, includes: [¦cont]}]", "cube 'orders' has no member 'cont'", "'count'"),
    ("cubes: [{join_path: orders, includes: [¦users.city]}]", "is not the name of a member", "join_path"),
    ("cubes: [{join_path: orders, includes: [¦{alias: x}]}]", "has no 'name'", None),
    ("cubes: [{join_path: orders, includes: [{name: count, alias: ¦a b}]}]", "'a b' is not a name", None),
    (
        "cubes: [{join_path: orders, includes: [count]}, {join_path: orders.users, includes: [¦count]}]",
        "two members named 'count': 'orders.count' and 'users.count'",
        "prefix: true",
    ),
    (
        "cubes: [{join_path: orders.users.cities, includes: [name]},"
        " {join_path: ¦orders.shops.cities, includes: [id]}]",
        "reaches 'cities' by two paths",
        "second cube",
    ),
    (
        "cubes: [{join_path: orders, includes: [count], prefix: true, split: ¦true}]",
        "'split' or 'prefix', not both",
        None,
    ),
    ("includes: ¦[orders.count]\n    cubes: []", "a view has no 'includes' of its own", "join_path"),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    measures: [{name: m, type: ¦sum, multi_stage: false, sql: '{orders.id}'}]",
        "has no rows",
        "formula",
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    dimensions: [{name: m, type: string, sql: ¦status}]",
        "view 'v' has no columns of its own",
        "{status}",
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    dimensions: [{name: m, type: string, sql: '¦{CUBE}.status'}]",
        "view 'v' has no columns of its own",
        "{member}",
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n    folders: [{name: F, includes: [¦coun]}]",
        "view 'v' has no member 'coun'",
        "'count'",
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    folders: [{name: F, includes: [count]}, ¦{name: F, includes: [count]}]",
        "two folders 'F'",
        None,
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    folders: [{name: F, includes: [{join_path: ¦orders.user}]}]",
        "includes nothing by the path 'orders.user'",
        None,
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n"
        "    default_filters: [{member: ¦orders.status, operator: set}]",
        "does not include 'orders.status'",
        "Include it",
    ),
    (
        "cubes: [{join_path: orders, includes: [count]}]\n    view_group: ¦none",
        "no view group 'none'",
        "view_groups",
    ),
]


@pytest.mark.parametrize(("written", "message", "hint"), MISTAKES)
def test_mistakes_of_views(assert_error, written: str, message: str, hint: str | None) -> None:
    catalog = assert_error(f"{CUBES}views:\n  - name: v\n    {written}\n", message, hint)
    assert list(catalog.broken) == ["v"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("views: [{name: v, cubes: [{join_path: a, includes: '*'}]},"
         " {name: w, cubes: [{join_path: ¦v, includes: '*'}]}]",
         "'v' is a view, and views include cubes only"),
        ("views: [{name: v, extends: ¦a, cubes: []}]", "the view 'v' cannot extend the cube 'a'"),
        ("views: [{name: v, extends: ¦u, cubes: []}]", "there is no view 'u' to extend"),
        ("view_groups: [{name: g, includes: [¦a]}]", "there is no view 'a'"),
        ("view_groups: [{name: g, includes: []}, ¦{name: g, includes: []}]", "two view groups 'g'"),
    ],
)  # fmt: skip
def test_mistakes_around_views(assert_error, model: str, message: str) -> None:
    cube = "cubes: [{name: a, sql_table: a, dimensions: [{name: x, sql: x, type: string}]}]\n"
    assert_error(cube + model + "\n", message)


def test_cubes_neither_join_nor_read_views(assert_error) -> None:
    views = "views: [{name: v, cubes: [{join_path: a, includes: [x]}]}]\n"
    cube = "cubes:\n  - name: a\n    sql_table: a\n    dimensions: [{name: x, sql: x, type: string}]\n  - name: b\n"
    cube += "    sql_table: b\n"
    assert_error(
        views + cube + "    dimensions: [{name: y, sql: '¦{v.x}', type: string}]\n",
        "'v' is a view; SQL refers to cubes",
    )
    assert_error(
        views + cube + "    joins: [{name: ¦v, relationship: one_to_one, sql: '1 = 1'}]\n",
        "'v' is a view, which cannot be joined",
    )
