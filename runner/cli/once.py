"""Options that stand once: of two values on one command line nobody knows which was meant."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Once(click.Option):
    """An option that is refused where it is typed a second time, unless it takes several values or none."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser keep every value that was typed."""
        if self.multiple or self.is_flag or self.count:
            super().add_to_parser(parser, ctx)
        else:
            parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append", nargs=self.nargs)

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, Any]:
        """The one value."""
        values = opts.get(self.name or "")
        if isinstance(values, list) and not self.multiple:
            if len(values) > 1:
                raise click.UsageError(
                    f"{max(self.opts, key=len)} is given {len(values)} times; it can stand once", ctx
                )
            opts = {**opts, self.name or "": values[0]}
        return super().consume_value(ctx, opts)


def option(*names: str, **attributes: Any) -> Callable[[F], F]:
    """As ``click.option``, of this kind."""
    return click.option(*names, cls=Once, **attributes)
