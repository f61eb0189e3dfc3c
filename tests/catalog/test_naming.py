"""Titles and aliases."""

from __future__ import annotations

import pytest

from cuboid.catalog.naming import alias_name, member_alias, titleize, underscore


@pytest.mark.parametrize(
    ("name", "title"),
    [
        # from recorded answers of Cube 1.7
        ("createdAt", "Created at"),
        ("totalAmount", "Total Amount"),
        ("id", "ID"),
        ("userId", "User ID"),
        ("lastAt", "Last at"),
        ("isPaid", "Is Paid"),
        ("orders_view", "Orders View"),
        ("Users_city", "Users City"),
        ("n", "N"),
        # from the rules of the packages that make them
        ("created_at", "Created at"),
        ("user_ids", "User IDs"),
        ("at", "At"),
        ("in_the_end", "In the End"),
        ("HTTPCode", "Http Code"),
        ("line2total", "Line2 Total"),
        ("total_2024", "Total2024"),
        ("_private", "Private"),
        ("identity", "Identity"),
        ("paid", "Paid"),
    ],
)
def test_titles(name: str, title: str) -> None:
    assert titleize(name) == title


@pytest.mark.parametrize(
    ("name", "underscored"),
    [
        ("Orders", "orders"),
        ("createdAt", "created_at"),
        ("created_at", "created_at"),
        ("LineItems", "line_items"),
        ("top10Users", "top10_users"),
        ("userID", "user_id"),
    ],
)
def test_underscore(name: str, underscored: str) -> None:
    assert underscore(name) == underscored


def test_sql_aliases_join_cube_member_and_granularity() -> None:
    assert member_alias("orders", "count") == "orders__count"
    assert member_alias("orders", "createdAt", "day") == "orders__created_at_day"
    assert member_alias("LineItems", "id") == "line_items__id"


def test_the_wire_alias_has_a_dot() -> None:
    assert alias_name("Users", "createdAt") == "users.created_at"
