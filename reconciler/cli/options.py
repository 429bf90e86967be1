"""Every option that more than one command takes, each written once.

A new option says which step it belongs to: the policy (then it stands in the file), the plan, or a single run.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import completing
from reconciler.cli.files import require_savable
from reconciler.cli.screen import Output, Save, Screen
from reconciler.cli.sections import ConnectionOption
from reconciler.cli.server import ServerOptions
from reconciler.core.gate.gate import parse_allow
from reconciler.core.moment import Moment, parse_time
from reconciler.core.scope import Scope
from reconciler.render.detail import Detail
from reconciler.render.formats import FORMATS, formats_of, page_of

Command = Callable[..., Any]

DEFAULT_PATH = "policies"


if TYPE_CHECKING:
    _TimeType = click.ParamType[datetime]
else:
    _TimeType = click.ParamType  # generic in click's newest releases only


class Instant(_TimeType):
    """A date (00:00 UTC of that day) or an RFC 3339 time, as a policy's `starts` and `expires`; years 2000 to 2999."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


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
            output = Output(
                format="json" if wants_json else format_name,
                saves=tuple(_save(text, formats) for text in saves),
                save_mode=_mode(save_mode),
                names_people=names_people,
            )
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


class Parallelism(click.IntRange):
    """A number, or `auto`, which becomes None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if value == "auto" else super().convert(value, param, ctx)


def server(function: Command) -> Command:
    """--parallelism, --max-requests, --max-wait and --debug; the command gets a `server` that can be opened."""

    @click.option(
        "--parallelism", type=Parallelism(1, 128), default="auto", show_default=True, metavar="auto|N",
        cls=ConnectionOption, envvar="RECONCILER_PARALLELISM", show_envvar=True,
        help="Reads in flight at once, found out from the answers; writes use at most half of them.",
    )  # fmt: skip
    @click.option(
        "--max-requests", type=click.IntRange(min=1), metavar="N",
        cls=ConnectionOption, envvar="RECONCILER_MAX_REQUESTS", show_envvar=True,
        help="Stop before it starts a read, or the first write, that would need more requests than this.",
    )  # fmt: skip
    @click.option(
        "--max-wait", type=click.IntRange(min=0), default=300, show_default=True, metavar="SECONDS",
        cls=ConnectionOption, envvar="RECONCILER_MAX_WAIT", show_envvar=True,
        help="Longest wait for Coder in total (rate limits, restarts).",
    )  # fmt: skip
    @click.option(
        "--debug", is_flag=True, cls=ConnectionOption,
        help="Show each request on stderr: method, path, status, time. Also by RECONCILER_LOG=debug.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(
        *args: Any, parallelism: int | None, max_requests: int | None, max_wait: int, debug: bool, **kwargs: Any
    ) -> Any:
        options = ServerOptions(
            parallelism=parallelism,
            max_requests=max_requests,
            max_wait_s=max_wait,
            shows_requests=debug or os.environ.get("RECONCILER_LOG", "").lower() == "debug",
        )
        return function(*args, server=options, **kwargs)

    return wrapper


def consents(function: Command) -> Command:
    """--allow; the command gets `grants`."""

    @click.option(
        "--allow", multiple=True, metavar="HAZARD=N", shell_complete=completing.hazards,
        help="Consent to a hazard for at most N people (MASS_CHANGE: deletes), as a refusal names it.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(*args: Any, allow: tuple[str, ...], **kwargs: Any) -> Any:

        try:
            grants = tuple(parse_allow(text) for text in allow)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--allow'") from None
        return function(*args, grants=grants, **kwargs)

    return wrapper


def journal(function: Command) -> Command:
    """--journal; the command gets the `journal_path`, None where it is left to us."""

    @click.option(
        "--journal", "journal_path", type=click.Path(), metavar="FILE", help="The file for this run's journal."
    )
    @functools.wraps(function)
    def wrapper(*args: Any, journal_path: str | None, **kwargs: Any) -> Any:

        if journal_path == "":  # a variable that is not set, most likely
            raise click.BadParameter(
                "the name is empty; name a new file, or leave --journal out", param_hint="--journal"
            )
        return function(*args, journal_path=journal_path, **kwargs)

    return wrapper


def effects(function: Command) -> Command:
    """--effects; the command gets the `detail`."""

    @click.option(
        "--effects", type=click.Choice(["none", "summary", "people"]), default="summary", show_default=True,
        help="How much to print about people; refusals are always printed.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(*args: Any, effects: str, **kwargs: Any) -> Any:

        return function(*args, detail=Detail(effects), **kwargs)

    return wrapper


def paths(function: Command) -> Command:
    """PATH...: policy files and folders."""
    return click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())(function)


def base(function: Command) -> Command:
    """--base; the command gets `base`."""
    return click.option(
        "--base",
        metavar="PATH|REVISION",
        help="The policy before this change: a file, a folder or a Git revision of the same paths.",
    )(function)


def plan_scope(function: Command) -> Command:
    """--at, --only and --exclude; the command gets `moment` and `scope`."""

    @click.option(
        "--at", type=Instant(), metavar="TIME", help="Plan for this instant instead of now (starts, expires)."
    )
    @click.option(
        "--only", multiple=True, metavar="GLOB", shell_complete=completing.addresses,
        help="Plan only addresses that match, as 'group/acme/*'.",
    )  # fmt: skip
    @click.option(
        "--exclude", multiple=True, metavar="GLOB", shell_complete=completing.addresses,
        help="Leave out addresses that match, as 'user/*'.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(*args: Any, at: datetime | None, only: tuple[str, ...], exclude: tuple[str, ...], **kwargs: Any) -> Any:
        now = datetime.now(UTC)
        return function(*args, moment=Moment(at=at or now, now=now), scope=Scope(only=only, exclude=exclude), **kwargs)

    return wrapper
