"""Help that shows the options about the connection under a heading of their own."""

from __future__ import annotations

import click


class ConnectionOption(click.Option):
    """An option about how to speak to Coder; help shows these under a heading of their own."""


class Sections(click.Command):
    """A command whose help shows the options about the connection apart from the rest."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Connection": []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
            if record is not None:
                sections["Connection" if isinstance(option, ConnectionOption) else "Options"].append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
