"""The garbage collector rests while a model is compiled, and is back afterwards."""

import gc

from cuboid.catalog.collection import without_collection
from cuboid.catalog.compile import compile_catalog
from cuboid.catalog.files import ModelFile


def test_collection_is_paused_within_and_on_after_an_error():
    try:
        with without_collection():
            assert not gc.isenabled()
            raise ValueError
    except ValueError:
        assert gc.isenabled()


def test_one_within_another_leaves_it_to_the_outer():
    with without_collection():
        with without_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_each_compilation_ends_with_collection_on():
    for text in ("cubes: []", "cubes: [", "cubes: []"):
        compile_catalog([ModelFile("a.yml", text)])
        assert gc.isenabled()
