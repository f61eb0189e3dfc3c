"""``cuboid import-js``: Cube models in JavaScript to YAML."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("import-js", short_help="Convert Cube models in JavaScript to YAML.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write a .yml for each file into [default: print them].",
)
def command(files: tuple[Path, ...], output: Path | None) -> None:
    """Convert static cube(...) and view(...) calls with object literals to YAML.

    What cannot be converted is told with its file and line, and left out with the member or cube that it belongs
    to; the exit status is 1 then.
    """
    from cuboid.javascript.convert import convert

    problems = []
    for file in files:
        converted = convert(file.read_text(encoding="utf-8-sig"), str(file))
        problems += converted.problems
        text = converted.text()
        if output is None:
            click.echo(text, nl=False)
        elif text:
            output.mkdir(parents=True, exist_ok=True)
            target = output / f"{file.stem}.yml"
            target.write_text(text, encoding="utf-8")
            click.echo(f"wrote {target}", err=True)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise SystemExit(1)
