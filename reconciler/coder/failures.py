"""What it means that no answer came: one sentence that names the hop, and what to check. Sends nothing."""

from __future__ import annotations

import socket
import ssl

import httpx

from reconciler.coder.connection import Connection
from reconciler.coder.exchange import NoAnswer, Request, causes
from reconciler.coder.retry import Attempt, NoAnswerKind
from reconciler.errors import RejectedError, RetryLaterError, ServerError, UnreachableError
from reconciler.words import wait


def no_answer(connection: Connection, request: Request, attempt: Attempt, failed: NoAnswer) -> ServerError:
    """Return the error for a request that got no usable answer.

    Where nothing was reached the message names the hop that failed: the proxy, or Coder's URL.
    """
    is_reached = failed.failure in (NoAnswerKind.LOST, NoAnswerKind.UNUSABLE)
    why, hint = _why(connection, failed)
    where = str(request) if is_reached or request.is_write else connection.url
    times = f" ({attempt.number} attempts)" if attempt.number > 1 else ""
    kind = RejectedError if request.is_write and not is_reached else UnreachableError
    return kind(f"{where}: {why}{times}.", hint=hint)


def give_back(request: Request, attempt: Attempt, seconds: float) -> RetryLaterError:
    """Return the error for a write that certainly did not happen and may be sent again."""
    return RetryLaterError(f"{request}: {_why_not_begun(attempt)}", retry_after_s=seconds)


def turn_too_late(request: Request) -> RetryLaterError:
    """Return the error for a write that waited for others until the read before it was too old."""
    return RetryLaterError(f"{request}: the writes before it took too long", retry_after_s=0.0)


def out_of_patience(request: Request, attempt: Attempt, *, needed_s: float, budget_s: float) -> ServerError:
    """Return the error for a read whose wait would exceed what the run may wait."""
    match attempt.result:
        case NoAnswerKind.LOST:
            why = "the answer was lost or cut short"
        case NoAnswerKind.DATABASE_AWAY:
            why = "Coder's database is away"
        case 429 | NoAnswerKind():
            why = _why_not_begun(attempt)
        case status:
            why = f"Coder is not available ({status})"
    return ServerError(f"{request}: {why}; {_too_long(needed_s, budget_s)}", hint=HINT_MAX_WAIT)


def _why_not_begun(attempt: Attempt) -> str:
    if attempt.result == 429:
        return "Coder limits the rate"
    if attempt.result is NoAnswerKind.TURNED_AWAY:
        return "Coder cannot look up the token, so its database may be away"
    return "no connection"


HINT_MAX_WAIT = "try again later, or pass a longer `--max-wait`"


def _too_long(needed_s: float, budget_s: float) -> str:
    return f"waiting {wait(needed_s)} more would exceed the {budget_s:,.0f} s that this run may wait."


def too_long_to_wait(needed_s: float, budget_s: float) -> ServerError:
    """Return the error for a wait between two attempts of a write that the run may not make."""
    return ServerError(_too_long(needed_s, budget_s), hint=HINT_MAX_WAIT)


def _why(connection: Connection, failed: NoAnswer) -> tuple[str, str]:
    """Return why there is no answer, and what to check."""
    chain = causes(failed.cause)
    if failed.why:
        return failed.why, "check that CODER_URL is a Coder deployment and no proxy changes its answers"
    refused = next((cause for cause in chain if isinstance(cause, ssl.SSLError)), None)
    if refused is not None:
        reason = getattr(refused, "verify_message", "") or getattr(refused, "reason", None) or "no reason given"
        hint = "check CODER_URL; for a private authority set SSL_CERT_FILE to its certificate"
        if reason in _NO_TLS_THERE:
            hint = "what answers may speak plain HTTP: then write http:// in CODER_URL"
        return f"TLS failed: {reason.rstrip('.').replace('_', ' ')}", hint
    if failed.failure is NoAnswerKind.LOST:
        is_late = isinstance(failed.cause, httpx.TimeoutException)
        return "no answer in time" if is_late else "the answer was lost or cut short", _HINT_NETWORK
    if connection.proxy is not None:
        proxy = f"the proxy {connection.proxy.shown} ({connection.proxy.variable}) {_proxy_fault(failed, chain)}"
        return proxy, f"check {connection.proxy.variable}, or name Coder's host in NO_PROXY if no proxy is needed"
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        return "there is no such host", "check CODER_URL"
    return "no connection", _HINT_NETWORK


_NO_TLS_THERE = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of an answer in plain HTTP; the second since 3.2."""
_HINT_NETWORK = "check CODER_URL, the network and the proxy settings"


def _proxy_fault(failed: NoAnswer, chain: list[BaseException]) -> str:
    if isinstance(failed.cause, httpx.ProxyError):
        status = str(failed.cause)[:3]
        if status == "407":
            return "asks for a user name and password (407)"
        return f"answers {status}" if status.isdecimal() else "does not answer like a proxy"
    if any(isinstance(cause, socket.gaierror) for cause in chain):
        return "cannot be reached: there is no such host"
    if any(isinstance(cause, ConnectionRefusedError) for cause in chain):
        return "refuses connections"
    return "cannot be reached"
