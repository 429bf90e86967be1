"""What an answer that is not a success means: Coder's statuses and messages into the error family, once. Sends nothing.

Coder's 404 has two texts, and only the text decides: `Resource not found...` is absent, unknown or forbidden, `Route
not found.` says that this server is of another generation, and nothing about the subject. What a server writes is shown
on one line, shortened, without control characters and without our secrets. What is not in Coder's words was not said by
Coder, and after a write it is never taken for a refusal.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reconciler import strict_json
from reconciler.coder.exchange import Answer
from reconciler.coder.retry import NoAnswerKind
from reconciler.dataclass import dataclass
from reconciler.errors import (
    DeniedError,
    NotAMemberError,
    NotFoundError,
    RejectedError,
    ServerError,
    UnreachableError,
)
from reconciler.words import in_a_row

ROUTE_NOT_FOUND = "Route not found."
NOT_FOUND = "Resource not found or you do not have access to this resource"
NO_SUCH_USER = '"user" must be an existing uuid or username.'
"""How older servers say 404 for a user, with status 400. Source: coder-api section 12.4."""
NOT_A_MEMBER = "User is not a member of the referenced group"
TURNED_AWAY = "An internal error occurred. Please try again or contact the system administrator."
"""Said where Coder could not look up the token, before it begins what was asked. Source: coderd/httpmw/apikey.go."""
_DATABASE_AWAY = re.compile(
    "pq: (the database system is |terminating connection )|driver: bad connection|connect: connection refused"
)
"""In the detail of what had begun when the database went away."""
NOT_LICENSED = " is a Premium feature. Contact sales!"
EXPERIMENT_MISSING = "functionality requires enabling the"
SYSTEM_USER = "for a system user"
NOT_MODIFIED = 304
"""Said by a cache that mixes up requests; it leads nowhere."""
PROXY_ASKS = 407
"""Said by a proxy in Coder's place; with https, httpx raises instead."""
LONGEST_QUOTE = 300
LONGEST_READ = 20_000
"""Of a text that is shown; the rest is not searched for secrets, and not shown either."""
LONGEST_REQUEST_ID = 64
HINT_SIGN_ON = (
    "if single sign-on stands in front of Coder, pass its service token in CODER_HEADER, such as "
    "CF-Access-Client-Id=...,CF-Access-Client-Secret=...; else check CODER_URL"
)
HINT_PAGE = f"a proxy or a sign-in page may answer in Coder's place: {HINT_SIGN_ON}"
_SIGN_ON = re.compile(
    r"cloudflareaccess\.com|/cdn-cgi/access/|login\.microsoftonline\.com|accounts\.google\.com|okta|auth0|onelogin|"
    r"keycloak|authelia|authentik|pomerium|/oauth2?/|/saml|/sso\b|/openid|/realms/|//sso\.|^sso\.|^auth\.|^login\.",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """The body of an answer that is not a success. Every text is Coder's own, or empty when the body is not Coder's."""

    message: str = ""
    detail: str = ""
    validations: tuple[str, ...] = ()


def read_error_body(answer: Answer) -> ErrorBody:
    """Read what Coder says about a refusal; an empty body when the answer is not Coder's."""
    try:
        value = strict_json.parse(answer.body)
    except (ValueError, RecursionError):
        return ErrorBody()
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return ErrorBody()
    rows = value.get("validations")
    pairs = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    detail = value.get("detail")
    return ErrorBody(
        message=value["message"],
        detail=detail if isinstance(detail, str) else "",
        validations=tuple(f"{row.get('field')}: {row.get('detail')}" for row in pairs),
    )


def is_not_found(answer: Answer) -> bool:
    """Tell whether Coder says that something is absent, unknown or forbidden. Never true for a missing route."""
    return answer.status == 404 and read_error_body(answer).message.rstrip(".") == NOT_FOUND


def is_route_missing(answer: Answer) -> bool:
    """Tell whether this server has no such route: it is of another generation."""
    return answer.status == 404 and read_error_body(answer).message == ROUTE_NOT_FOUND


def is_user_missing(answer: Answer) -> bool:
    """Tell whether a look-up says that the user does not exist, in either of Coder's ways."""
    return is_not_found(answer) or (answer.status == 400 and read_error_body(answer).message == NO_SUCH_USER)


def is_experiment_missing(answer: Answer) -> bool:
    """Tell whether this server has the route and keeps it behind an experiment that is not enabled."""
    return answer.status == 403 and EXPERIMENT_MISSING in read_error_body(answer).message


def database_trouble(answer: Answer) -> NoAnswerKind | None:
    """Tell of an answer that Coder's database is away, as while it is restarted, and whether the request had begun."""
    if answer.status != 500:
        return None
    body = read_error_body(answer)
    if body.message == TURNED_AWAY:
        return NoAnswerKind.TURNED_AWAY
    return NoAnswerKind.DATABASE_AWAY if _DATABASE_AWAY.search(body.detail) else None


def shown(answer: Answer, text: str) -> str:
    """Return a text of an answer fit for one line of a message, without our secrets.

    Every text of a server that is shown or returned comes through here or through wire.py's `Fields`.
    """
    return quote(answer.mask.hide(text[:LONGEST_READ]))


def error_of(answer: Answer) -> ServerError:
    """Return the error that an answer other than the expected success means for its request."""
    if 300 <= answer.status < 400 and answer.status != NOT_MODIFIED:
        return _redirected(answer)
    body = read_error_body(answer)
    words = shown(answer, in_a_row(body.message, body.detail, *body.validations))
    text = f"{answer.request}: {answer.status}" + (f" {words}" if words else "")
    if answer.status >= 500 or answer.status in (408, 425):
        return _unavailable(answer, text, is_coders=bool(body.message))
    if not body.message and answer.status not in (428, 429):
        return _not_coders(answer, text)
    if answer.status in (401, 403, 428) and (answer.status != 403 or not answer.request.is_write):
        return DeniedError(text, hint=_hint_for_denied(answer.status, body.message))
    is_gone = answer.request.method == "DELETE" and is_not_found(answer)
    if answer.request.is_write and answer.status >= 400 and not is_gone:
        if answer.status == 400 and body.message.rstrip(".") == NOT_A_MEMBER:
            return NotAMemberError(text, hint="they left the group of the override, or were never in it")
        return RejectedError(text, hint=_hint_for_rejected(answer))
    if is_not_found(answer):
        return NotFoundError(text, hint="it may be absent, or this token may have no access to it")
    return _unexpected(answer, text)


def _unavailable(answer: Answer, text: str, *, is_coders: bool) -> UnreachableError:
    """Coder failed, or something in front of it. A 500 in Coder's own words comes after the request has ended."""
    if not is_coders:
        text += f" with {_kind(answer)}, which Coder does not send: a proxy in front of it does"
    name = shown(answer, answer.request_id)[:LONGEST_REQUEST_ID]
    if name:
        text += f" (request {name})"
    administrator = (
        "your Coder administrator; the request's id is in Coder's log" if name else "your Coder administrator"
    )
    hint = f"try again; if the error stays, ask {administrator}"
    return UnreachableError(text, hint=hint, may_still_happen=not (is_coders and answer.status == 500))


def _not_coders(answer: Answer, text: str) -> ServerError:
    """Something else than Coder answered: after a write nobody knows, so it is never taken for Coder's refusal."""
    text += f" with {_kind(answer)}, which Coder does not send"
    hint = "check that CODER_URL is a Coder deployment of 2.34 or later"
    if answer.status == PROXY_ASKS:
        text += ": a proxy asks for a user name and password"
        hint = "write them into HTTPS_PROXY or HTTP_PROXY, or name Coder's host in NO_PROXY if no proxy is needed"
    elif answer.status in (401, 403):
        hint = HINT_SIGN_ON
    if answer.request.is_write:
        return UnreachableError(text, hint=hint, may_still_happen=answer.status < 400)
    return DeniedError(text, hint=hint) if answer.status in (401, 403, PROXY_ASKS) else ServerError(text, hint=hint)


def _kind(answer: Answer) -> str:
    return shown(answer, answer.content_type) or "no content type"


def _hint_for_denied(status: int, message: str) -> str:
    if status == 401:
        return "give a valid token in CODER_SESSION_TOKEN, or log in again with `coder login`"
    if status == 428:
        return "remove X-Coder-Bypass-Ratelimit from CODER_HEADER; only owners may send it"
    if message.endswith(NOT_LICENSED):
        return "AI budgets need a Premium licence, and AI Gateway switched on; ask your Coder administrator for both"
    if EXPERIMENT_MISSING in message:
        return f"{_WHERE_UPGRADED} ask your Coder administrator to enable the experiment, or upgrade to 2.36 or later"
    return "use the token of an Owner or User Admin, made without `--scope`"


def _hint_for_rejected(answer: Answer) -> str:
    if is_route_missing(answer):
        return "this server is of a generation without this route; plan again"
    if is_not_found(answer):
        return "it is gone, or this token may not write it: `reconciler doctor` tells what the token may do"
    if answer.status == 403:
        return _hint_for_forbidden(read_error_body(answer))
    return ""


def _hint_for_forbidden(body: ErrorBody) -> str:
    """Return which right a write lacks; a system user has no budget, with any token."""
    if SYSTEM_USER in body.detail:
        return "remove the entry of this user from the policy"
    hint = _hint_for_denied(403, body.message)
    return f"{hint}; `reconciler doctor` tells what this token may do"


def _redirected(answer: Answer) -> ServerError:
    """Coder does not carry out a write that is redirected, by itself or by a proxy."""
    hint = "set CODER_URL to the deployment's access URL"
    try:
        target = urlsplit(answer.location)
        where = shown(answer, f"{target.scheme}://{target.netloc}") if target.netloc else "another path"
        if _SIGN_ON.search(f"{target.netloc}{target.path}"):
            hint = HINT_SIGN_ON
    except ValueError:
        where = "an invalid URL"
    kind = RejectedError if answer.request.is_write else ServerError
    return kind(
        f"{answer.request}: {answer.status} redirects to {where}; redirects are not followed.",
        hint=hint,
    )


_WHERE_UPGRADED = "where Coder is being upgraded, run this again when that is complete; otherwise"


def _unexpected(answer: Answer, text: str) -> ServerError:
    kind = UnreachableError if answer.request.is_write else ServerError
    hint = "check that CODER_URL is a Coder deployment of 2.34 or later"
    if is_route_missing(answer):
        hint = f"{_WHERE_UPGRADED} {hint}"
    return kind(text, hint=hint)


def quote(text: str) -> str:
    """Return a server's text fit for one line of a message."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "..."
