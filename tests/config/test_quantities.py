"""How durations, sizes, switches, numbers and lists are written."""

import pytest

from cuboid.config.quantities import (
    read_count,
    read_duration,
    read_list,
    read_number,
    read_size,
    read_switch,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (600, 600),
        (0.5, 0.5),
        ("600", 600),
        ("30s", 30),
        ("10m", 600),
        ("1.5h", 5400),
        ("1d", 86400),
        ("250ms", 0.25),
        (" 10 M ", 600),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_has_a_unit(written: object, seconds: float) -> None:
    assert read_duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "written", ["", "10x", "ten", "-1s", "m", "1m30s", True, None, [1], "1e3", "\u0661\u0660s"]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        read_duration(written)


@pytest.mark.parametrize(
    ("written", "size"),
    [(1024, 1024), ("100kb", 102_400), ("50mb", 52_428_800), ("64MB", 67_108_864), ("1gb", 1_073_741_824)],
)
def test_a_size_counts_in_steps_of_1024(written: object, size: int) -> None:
    assert read_size(written) == size


@pytest.mark.parametrize("written", ["50 megabytes", "mb", "50m", None, False])
def test_what_is_no_size_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        read_size(written)


@pytest.mark.parametrize(
    ("written", "on"),
    [
        *((written, True) for written in (True, "true", "TRUE", "1", "yes", "on", 1)),
        *((written, False) for written in (False, "false", "False", "0", "no", "off", 0)),
    ],
)
def test_a_switch_is_on_or_off(written: object, on: bool) -> None:
    assert read_switch(written) is on


@pytest.mark.parametrize("written", ["", "maybe", "2", None])
def test_what_is_no_switch_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        read_switch(written)


@pytest.mark.parametrize("written", [True, "4000.5", 4000.0, "4_000", "", "9" * 5000])
def test_what_is_no_whole_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        read_count(written)


@pytest.mark.parametrize(
    ("written", "entries"),
    [("a, b ,c", ("a", "b", "c")), (["a", " b"], ("a", "b")), ("", ()), ("a,,b", ("a", "b")), ([], ())],
)
def test_a_list_has_commas_or_is_one(written: object, entries: tuple[str, ...]) -> None:
    assert read_list(written) == entries


@pytest.mark.parametrize("written", [7, [1, 2], {"a": "b"}, None])
def test_what_is_no_list_of_texts_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a list of texts"):
        read_list(written)


@pytest.mark.parametrize(("written", "value"), [("7", 7), ("-1", -1), (" 0.5 ", 0.5), (3, 3), (-2.5, -2.5)])
def test_numbers_are_whole_or_have_a_fraction(written: object, value: float) -> None:
    assert read_number(written) == value


@pytest.mark.parametrize("written", ["", "1e5", "seven", "nan", float("inf"), True, None, "1.", "0x1"])
def test_what_is_no_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        read_number(written)
