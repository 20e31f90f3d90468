"""``runner steps``: the reference of the step kinds, out of the kinds themselves."""

import click

from runner.cli.printing import say
from runner.steps import kinds
from runner.words import suggest


@click.command()
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """Show what step kinds there are, or all about one KIND: options, behaviour, an example."""
    known = kinds()
    if kind is None:
        width = max(map(len, known))
        for name, one in known.items():
            say(f"{name:{width}}  {one.summary}")
        say("\nrunner steps KIND shows its options and an example.")
    elif kind in known:
        say(f"{kind}: {known[kind].summary}\n\n{known[kind].documentation.strip()}")
    else:
        hint = suggest(kind, known) or "runner steps lists them"
        raise click.UsageError(f'there is no step kind "{kind}"; {hint}')
