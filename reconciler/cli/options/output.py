"""The options that say how the result is printed, and where else it is written."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.files import require_savable
from reconciler.cli.options import Command
from reconciler.cli.options.given import is_given
from reconciler.cli.screen import Output, Save, Screen
from reconciler.render.formats import FORMATS, formats_of, page_of

if TYPE_CHECKING:
    _ChoiceType = click.Choice[str]
else:
    _ChoiceType = click.Choice  # generic in click's newest releases only


class FormatChoice(_ChoiceType):
    """The formats that a command offers; of the others it says why they make no sense there."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in FORMATS and value not in self.choices:
            self.fail(_why_not(value, self.choices), param, ctx)
        return str(super().convert(value, param, ctx))


def _why_not(name: str, formats: Sequence[str]) -> str:
    """Say why a format is not offered for a result, and which are."""
    return f"{name} needs {FORMATS[name].needs}, which this result does not have; use one of: {', '.join(formats)}"


def screen(document: str = "") -> Callable[[Command], Command]:
    """--format, --json, --save, --save-mode, --metrics-people and --color; the command gets a `screen`.

    `document` is the kind that the command makes; without it any format may be asked for.
    """
    formats = formats_of(document) if document else tuple(FORMATS)

    def decorate(function: Command) -> Command:
        @functools.wraps(function)
        def wrapper(
            *args: Any,
            format_name: str,
            wants_json: bool,
            saves: tuple[str, ...],
            save_mode: str,
            names_people: bool,
            color: str,
            **kwargs: Any,
        ) -> Any:
            if wants_json and format_name != "json" and is_given("format_name"):
                raise click.UsageError(f"--json is short for --format json, and --format {format_name} is given too")
            output = Output(
                format="json" if wants_json else format_name,
                saves=tuple(_save(text, formats) for text in saves),
                save_mode=_mode(save_mode),
                names_people=names_people,
            )
            _require_effect(output)
            _require_printable(output)
            command = click.get_current_context().info_name or ""
            return function(*args, screen=Screen(command=command, output=output, color=color), **kwargs)

        return _screen_options(formats)(wrapper)

    return decorate


def _screen_options(formats: tuple[str, ...]) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of `screen`, in the order of its docstring."""
    options = (
        click.option(
            "--format", "format_name", type=FormatChoice(formats), default="text", show_default=True,
            help="How to print the result.",
        ),
        click.option("--json", "wants_json", is_flag=True, help="Short for --format json."),
        click.option(
            "--save", "saves", multiple=True, metavar="FORMAT=FILE",
            help="Also write the result in this format to FILE; may be repeated.",
        ),
        click.option(
            "--save-mode", default="600", show_default=True, metavar="MODE",
            help="Permissions of the files of --save, in octal digits.",
        ),
        click.option(
            "--metrics-people", "names_people", is_flag=True,
            help="In metrics, also label by person: who is blocked, and in `status` each person's limit and spend.",
        ),
        click.option(
            "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
            help="Colour the text; auto asks NO_COLOR, FORCE_COLOR and the terminal.",
        ),
    )  # fmt: skip

    def decorate(function: Command) -> Command:
        return functools.reduce(lambda decorated, option: option(decorated), reversed(options), function)

    return decorate


def _require_effect(output: Output) -> None:
    """Raise UsageError for an option on the command line that changes nothing in what is printed and saved."""
    formats = {output.format, *(save.format for save in output.saves)}
    effects = (
        ("save_mode", bool(output.saves), "--save-mode is about the files of --save; add --save FORMAT=FILE"),
        ("names_people", "metrics" in formats, "--metrics-people is about metrics; add --save metrics=FILE"),
        (
            "effects",
            not formats.isdisjoint(("text", "github")),
            "--effects is about the formats text and github; add --save text=FILE",
        ),
        ("quiet", output.format == "text", "--quiet is about the format text; use --save FORMAT=FILE for the document"),
    )
    for name, has_effect, sentence in effects:
        if is_given(name) and not has_effect:
            raise click.UsageError(f"{sentence}; or leave it out")


def _require_printable(output: Output) -> None:
    """Raise unless every result can be written: what is missing must be said before anything is written to Coder.

    Pages are loaded here, so that an upgrade of this program during a long apply cannot take its report away.
    """
    _require_different(output.saves)
    for name in {output.format, *(save.format for save in output.saves)}:
        if name != "text":
            page_of(name)


def _save(text: str, formats: tuple[str, ...]) -> Save:
    name, equals, path = text.partition("=")
    if equals and name in FORMATS and name not in formats:
        raise click.BadParameter(_why_not(name, formats), param_hint="'--save'")
    if name not in formats or not equals:
        raise click.BadParameter(
            f"{text!r} must be FORMAT=FILE, as html=plan.html; formats: {', '.join(formats)}", param_hint="'--save'"
        )
    require_savable(path)
    return Save(format=name, path=path)


def _require_different(saves: tuple[Save, ...]) -> None:
    """Raise unless each format has a file of its own: the last would replace the others."""
    seen: dict[str, Save] = {}
    for save in saves:
        first = seen.setdefault(os.path.realpath(save.path), save)
        if first is not save:
            raise click.BadParameter(
                f"{first.format} and {save.format} would be saved in one file, {save.path}; name a file for each",
                param_hint="'--save'",
            )


def _mode(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise click.BadParameter(f"{text!r} must be three octal digits, as 644", param_hint="'--save-mode'")
    return int(text, 8)
