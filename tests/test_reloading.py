"""A model that changes while it serves: taken if it is sound, refused if it would cost what serves."""

import asyncio
from pathlib import Path

import pytest

from cuboid.project import Project

CITIES = """
cubes:
  - name: cities
    sql: SELECT 1 AS id, 'Oslo' AS city
    measures:
      - {name: count, type: count}
    dimensions:
      - {name: id, type: number, sql: id, primary_key: true}
"""
RIVERS = CITIES.replace("cities", "rivers")
MORE = CITIES + "      - {name: city, type: string, sql: city}\n"
BROKEN = CITIES.replace("type: count", "type: cuont")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "model").mkdir()
    (tmp_path / "cuboid.yml").write_text("data_sources:\n  default: {driver: duckdb}\n")
    (tmp_path / "model" / "cities.yml").write_text(CITIES)
    (tmp_path / "model" / "rivers.yml").write_text(RIVERS)
    return Project.open(tmp_path, environ={})


def write(project: Project, text: str, name: str = "cities.yml") -> None:
    (project.folder / "model" / name).write_text(text)


def test_a_sound_change_is_taken_whole(project: Project) -> None:
    before = project.catalog
    write(project, MORE)
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "taken"
    assert "city" in project.catalog.cubes["cities"].dimensions
    assert "city" not in before.cubes["cities"].dimensions  # who began with it keeps it


def test_files_as_they_were_are_no_change(project: Project) -> None:
    before = project.catalog
    write(project, CITIES)
    assert project.model.reload() is None
    assert project.catalog is before


@pytest.mark.parametrize("text", [BROKEN, "cubes: [", "cubes:\n  - name: cities\n    sql_tabel: x\n"])
def test_a_mistake_that_would_cost_a_cube_is_refused_until_it_is_mended(project: Project, text: str) -> None:
    before = project.catalog
    write(project, text)
    change = project.model.reload()
    assert change is not None
    assert (change.outcome, change.lost) == ("refused", ("cities",))
    assert {getattr(error, "file", None) for error in change.errors} == {"model/cities.yml"}
    assert dict(project.catalog.cubes) == dict(before.cubes)
    assert project.catalog.errors == change.errors  # it is told what does not serve
    assert project.model.reload() is None
    write(project, MORE)
    mended = project.model.reload()
    assert mended is not None
    assert mended.outcome == "taken"
    assert project.catalog.errors == ()


def test_other_files_change_while_one_is_broken(project: Project) -> None:
    before = project.catalog
    write(project, BROKEN)
    write(project, RIVERS.replace("'Oslo'", "'Bergen'"), "rivers.yml")
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "refused"
    assert project.catalog.cubes["cities"] is before.cubes["cities"]
    assert "Bergen" in str(project.catalog.cubes["rivers"].sql)
    write(project, RIVERS.replace("'Oslo'", "'Molde'"), "rivers.yml")
    again = project.model.reload()
    assert again is not None
    assert (again.outcome, again.lost) == ("refused", ("cities",))
    assert "Molde" in str(project.catalog.cubes["rivers"].sql)
    assert len(project.catalog.errors) == len(again.errors)


def test_a_cube_that_others_need_is_kept_with_the_whole_model(project: Project) -> None:
    joined = RIVERS + "    joins: [{name: cities, relationship: has_one, sql: '1 = 1'}]\n"
    write(project, joined, "rivers.yml")
    before = project.catalog
    (project.folder / "model" / "cities.yml").unlink()
    change = project.model.reload()
    assert change is not None
    assert (change.outcome, set(change.lost)) == ("refused", {"cities", "rivers"})
    assert dict(project.catalog.cubes) == dict(before.cubes)


def test_a_cube_that_is_taken_out_is_gone(project: Project) -> None:
    assert set(project.catalog.cubes) == {"cities", "rivers"}
    (project.folder / "model" / "rivers.yml").unlink()
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "taken"
    assert set(project.catalog.cubes) == {"cities"}


def test_a_new_file_with_a_mistake_costs_nothing_and_is_taken_with_its_errors(project: Project) -> None:
    assert set(project.catalog.cubes) == {"cities", "rivers"}
    write(project, BROKEN.replace("cities", "lakes"), "lakes.yml")
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "taken"
    assert {getattr(error, "file", None) for error in change.errors} == {"model/lakes.yml"}
    assert set(project.catalog.cubes) == {"cities", "rivers"}


def test_what_was_broken_before_does_not_keep_other_changes_out(project: Project) -> None:
    write(project, BROKEN)
    assert set(project.catalog.cubes) == {"rivers"}
    (project.folder / "model" / "rivers.yml").unlink()
    write(project, RIVERS.replace("rivers", "lakes"), "lakes.yml")
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "taken"
    assert set(project.catalog.cubes) == {"lakes"}


def test_what_globals_py_gives_to_templates_is_taken_with_it(project: Project) -> None:
    def give(text: str) -> None:
        lines = [
            "from cube import TemplateContext",
            "t = TemplateContext()",
            f"t.add_variable('cities', {text!r})",
        ]
        write(project, "\n".join(lines), "globals.py")

    write(project, "{{ cities }}")
    give(CITIES)
    assert "city" not in project.catalog.cubes["cities"].dimensions
    give(MORE)
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "taken"
    assert "city" in project.catalog.cubes["cities"].dimensions
    write(project, "1 / 0", "globals.py")
    broken = project.model.reload()
    assert broken is not None
    assert broken.outcome == "unreadable"
    assert "city" in project.catalog.cubes["cities"].dimensions


def test_a_folder_that_vanishes_leaves_the_model_as_it_was(project: Project) -> None:
    before = project.catalog
    (project.folder / "model").rename(project.folder / "elsewhere")
    change = project.model.reload()
    assert change is not None
    assert change.outcome == "unreadable"
    assert project.catalog is before


def test_changes_of_files_are_heard_of(project: Project) -> None:
    async def edited_until_heard() -> str:
        assert project.catalog.cubes

        async def edit() -> None:
            for number in range(1000):  # the first may come before anybody listens
                write(project, f"{MORE}# {number}\n")
                await asyncio.sleep(0.5)

        editing = asyncio.create_task(edit())
        try:
            async with asyncio.timeout(60):
                async for change in project.model.changes(project.configuration.model_folder):
                    return change.outcome
        finally:
            editing.cancel()
        raise AssertionError("nothing was heard")

    assert asyncio.run(edited_until_heard()) == "taken"
    assert "city" in project.catalog.cubes["cities"].dimensions
