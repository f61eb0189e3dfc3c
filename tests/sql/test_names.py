"""Names are unique in a statement and fit the engine."""

from cuboid.sql.names import Names


def test_case_does_not_tell_names_apart() -> None:
    names = Names(63)
    assert [names.take(wanted) for wanted in ("a__b", "A__b", "a__b")] == ["a__b", "A__b_2", "a__b_3"]


def test_long_names_are_cut_to_bytes_and_stay_apart() -> None:
    names = Names(20)
    taken = [names.take("é" * 30), names.take("é" * 31), names.take("é" * 30)]
    assert len(set(taken)) == 3
    assert all(len(name.encode()) <= 20 for name in taken)


def test_the_same_names_come_out_the_same() -> None:
    assert Names(20).take("x" * 40) == Names(20).take("x" * 40)
