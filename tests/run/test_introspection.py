"""Rows about columns and keys become tables."""

from __future__ import annotations

import pytest

from cuboid.run.introspection import Introspection, semantic_type
from cuboid.types import ColumnInfo, ForeignKeyInfo, TableInfo

MEANINGS = {
    "number": "int INTEGER int(11) int8 Int64 UInt8 BIGINT smallint tinyint(1) bigint|unsigned HUGEINT UHUGEINT BIGNUM "
    "numeric numeric(10,2) DECIMAL(38,2) Decimal(9,|2) double double|precision Float64 float4 real BFloat16",
    "boolean": "bool Bool BOOLEAN boolean",
    "time": "date Date32 datetime datetime(6) DateTime64(3,|'UTC') TIMESTAMP TIMESTAMP_NS timestamptz "
    "timestamp|with|time|zone TIMESTAMP(6)",
    "string": "text varchar(20) character|varying(8) uuid json JSONB time time|without|time|zone interval money "
    "INTEGER[] DECIMAL(4,2)[] int4range daterange Array(Int8) Map(String,|Int8) STRUCT(a|INTEGER) bytea "
    "enum('date') point regclass interval|day inet",
}


@pytest.mark.parametrize(
    ("native", "due"),
    [(word.replace("|", " "), due) for due, words in MEANINGS.items() for word in words.split()],
)
def test_the_common_names_of_types_are_known(native: str, due: str) -> None:
    assert semantic_type(native) == due


def test_columns_and_keys_of_several_columns_are_grouped() -> None:
    columns = [
        ("a", "lines", "region", "text", 0),
        ("a", "lines", "number", "int", 0),
        ("a", "lines", "price", "amount", 0, "numeric"),
        ("a", "orders", "region", "text", 1),
        ("a", "orders", "number", "int", 1),
        ("b", "lines", "paid", "bool", False),
    ]
    keys = [
        ("a", "lines", "k1", "region", "orders", "region"),
        ("a", "lines", "k1", "number", "orders", "number"),
        ("a", "lines", "k2", "number", "numbers", "id"),
    ]
    assert Introspection("").tables(columns, keys) == (
        TableInfo(
            "a",
            "lines",
            (
                ColumnInfo("region", "string", "text"),
                ColumnInfo("number", "number", "int"),
                ColumnInfo("price", "number", "amount"),
            ),
            (
                ForeignKeyInfo(("region", "number"), "orders", ("region", "number")),
                ForeignKeyInfo(("number",), "numbers", ("id",)),
            ),
        ),
        TableInfo(
            "a",
            "orders",
            (ColumnInfo("region", "string", "text", True), ColumnInfo("number", "number", "int", True)),
        ),
        TableInfo("b", "lines", (ColumnInfo("paid", "boolean", "bool"),)),
    )


def test_no_rows_are_no_tables() -> None:
    assert Introspection("").tables([], []) == ()
