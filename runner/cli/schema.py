"""``runner schema``: the JSON Schemas, printed or written for editors."""

import json
from pathlib import Path
from typing import Any

import click

from runner import umask
from runner.cli.once import option
from runner.cli.printing import say, say_lines
from runner.loading.schemas import published
from runner.steps import kinds
from runner.words import suggest

EPILOG = """\b
Examples:
  runner schema playbook
  runner schema --write schemas

\b
In a playbook, for editors that speak YAML:
  # yaml-language-server: $schema=../schemas/playbook.schema.json
"""


@click.command(epilog=EPILOG)
@click.argument("name", required=False)
@option("--write", "folder", is_flag=False, flag_value="schemas", metavar="[DIR]", type=click.Path(path_type=Path))
def command(name: str | None, folder: Path | None) -> None:
    """Print the JSON Schema of a playbook, inventory or faults file, or of what runner writes.

    Without NAME the names are listed. --write writes NAME, or all of them, as NAME.schema.json into DIR (./schemas).
    """
    schemas = published(kinds())
    if name is not None and name not in schemas:
        hint = suggest(name, schemas) or f"they are: {', '.join(schemas)}"
        raise click.UsageError(f'there is no schema "{name}"; {hint}')
    chosen = schemas if name is None else {name: schemas[name]}
    if folder is not None:
        write(folder, chosen)
    elif name is None:
        say_lines(schemas)
    else:
        say(as_text(schemas[name]))


def write(folder: Path, schemas: dict[str, dict[str, Any]]) -> None:
    """Write each schema into the folder, which is made where it is missing; one line to say so each."""
    for name, schema in schemas.items():
        path = folder / f"{name}.schema.json"
        with umask.as_given():
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(as_text(schema), encoding="utf-8")
        say_lines([str(path)])


def as_text(schema: dict[str, Any]) -> str:
    """A schema as it is printed and committed."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
