"""The options of a plan and of a single run: for which instant, for which addresses, with which consent."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import completing
from reconciler.cli.options import Command
from reconciler.core.gate.gate import parse_allow
from reconciler.core.moment import Moment, parse_time
from reconciler.core.scope import Scope, parse_glob
from reconciler.render.detail import Detail

if TYPE_CHECKING:
    _TimeType = click.ParamType[datetime]
    _TextType = click.ParamType[str]
else:
    _TimeType = _TextType = click.ParamType  # generic in click's newest releases only


class Instant(_TimeType):
    """A date (00:00 UTC of that day) or an RFC 3339 time, as a policy's `starts` and `expires`; years 2000 to 2999."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return parse_time(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


class Glob(_TextType):
    """A glob over addresses. One that fits none is refused: what was to be left out would be written."""

    name = "glob"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_glob(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def plan_scope(function: Command) -> Command:
    """--at, --only and --exclude; the command gets `moment` and `scope`."""

    @click.option(
        "--at", type=Instant(), metavar="TIME", help="Plan for this instant instead of now (starts, expires)."
    )
    @click.option(
        "--only", multiple=True, type=Glob(), metavar="GLOB", shell_complete=completing.addresses,
        help="Plan only addresses that match, as 'group/acme/*'.",
    )  # fmt: skip
    @click.option(
        "--exclude", multiple=True, type=Glob(), metavar="GLOB", shell_complete=completing.addresses,
        help="Leave out addresses that match, as 'user/*'.",
    )  # fmt: skip
    @functools.wraps(function)
    def wrapper(*args: Any, at: datetime | None, only: tuple[str, ...], exclude: tuple[str, ...], **kwargs: Any) -> Any:
        now = datetime.now(UTC)
        return function(*args, moment=Moment(at=at or now, now=now), scope=Scope(only=only, exclude=exclude), **kwargs)

    return wrapper


def consents(function: Command) -> Command:
    """--allow; the command gets `grants`."""

    @click.option(
        "--allow", multiple=True, metavar="HAZARD=N", shell_complete=completing.hazards,
        help="Consent to a hazard for at most N people (MASS_CHANGE: deletes; UNREAD_POLICY: limits), as a refusal "
        "names it.",
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
