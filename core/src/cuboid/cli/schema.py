"""``cuboid schema``: the JSON schema of model files."""

from __future__ import annotations

import click


@click.command("schema", short_help="Print the JSON schema of model files, for editors.")
def command() -> None:
    """Print the JSON schema of model files.

    An editor completes and checks by it while one types. With the YAML extension of VS Code and others write on
    the first line of a file: # yaml-language-server: $schema=model.schema.json
    """
    import json

    from cuboid.catalog.schema import model_schema

    click.echo(json.dumps(model_schema(), indent=2))
