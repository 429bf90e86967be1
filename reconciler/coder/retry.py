"""Whether a request that went wrong is sent again, and when: one pure function. It never sleeps and sends nothing.

    what happened                               a read (GET, authcheck)        a write (PUT, DELETE)
    ------------------------------------------  -----------------------------  -----------------------------
    429, after any number of attempts           wait as long as told           give back: it was refused
    408, 425, 502, 503, 504, 520 to 530         again, at most 9 attempts      give up: nobody knows
    no connection, the server has been seen     again, at most 9 attempts      give back: it was not sent
    no connection, nothing answered before      give up: probably a wrong URL  give up
    500: Coder could not look up the token      again, at most 9 attempts      give back: it was not begun
    500: its database went away meanwhile       again, at most 9 attempts      give up: nobody knows
    no such host, certificate refused           give up                        give up
    answer lost: reset, time-out, cut short     again, at most 5 attempts      give up: nobody knows
    answer too long, or in another encoding     give up                        give up: nobody knows
    any other status                            give up                        give up
    lost or busy, after 30 seconds or more      again, once                    give up: nobody knows

A write is sent once from here, always. One that certainly did not happen is *given back* with the time to wait: the
caller has to read again before sending it, because somebody else may have written meanwhile (operations/write.py). One
whose answer was lost may have happened; only reading tells.

Nine attempts wait 30 to 60 seconds, in which a server that is restarted is there again, and so is its database: until
then Coder answers every request that it cannot look up the token. An answer that is cut short each time has another
cause.

A wait that was told (Retry-After, else X-RateLimit-Reset) is kept in full or the run gives up: it is never cut short.
Every wait is at least our own: it doubles from half a second to 15, less a random half, so that many workers do not
come back at once and a server that says "0 seconds" for ever uses up the budget. What one run waits in total stays
within that budget.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

from reconciler.dataclass import dataclass

MAX_ATTEMPTS = 9
MAX_LOST_ATTEMPTS = 5
MAX_SLOW_ATTEMPTS = 2
SLOW_S = 30.0
"""What fails after so long is sent again once: five times five minutes for a list would take everybody half an hour."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
READS = frozenset({"GET", "POST"})
"""The only POST we send is authcheck, which writes nothing."""
_BUSY = frozenset({408, 425, 502, 503, 504, *range(520, 531)})
"""52x and 530 are Cloudflare's, for a server behind it that does not answer."""
LONGEST_TOLD_S = 1e9


class NoAnswerKind(enum.Enum):
    """Why there is no answer."""

    HOPELESS = "hopeless"
    """No such host, or its certificate was refused: the next attempt would fare no better. Nothing was sent."""
    NOT_SENT = "not sent"
    """No connection came about: nothing was sent."""
    LOST = "lost"
    """The request may have arrived; its answer did not, or not whole."""
    TURNED_AWAY = "turned away"
    """Coder answered that it could not look up the token, before it began what was asked."""
    DATABASE_AWAY = "database away"
    """Coder answered that its database went away while it worked on what was asked."""
    UNUSABLE = "unusable"
    """An answer came, and it is too long or encoded in a way that we do not read: another would be the same."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not send it again."""

    needed_s: float | None = None
    """The wait that would have been needed and exceeds the budget; None when waiting would not help."""


@dataclass(frozen=True, slots=True)
class WaitThenRetry:
    seconds: float


@dataclass(frozen=True, slots=True)
class GiveBack:
    """The write certainly did not happen: wait that long, read again, and send it if live is still as it was."""

    seconds: float


Decision = GiveUp | WaitThenRetry | GiveBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What happened to a request, and what is left to spend on it."""

    method: str
    number: int
    """Counts from 1."""
    result: int | NoAnswerKind
    """The status, or why there is none."""
    took_s: float = 0.0
    """How long the answer was waited for."""
    retry_after_s: float | None = None
    """How long the server said to wait."""
    was_seen: bool = True
    """Whether this server has answered anything before."""
    left_s: float = math.inf
    """What the run may still spend on waiting."""


def decide(attempt: Attempt, *, jitter: float) -> Decision:
    """Decide about one attempt by the table above; `jitter` is a random share, 0 to 1.

    Law: a write is never resent; no wait is shorter than told, and no read waits longer than what is left.
    """
    if not _may_repeat(attempt):
        return GiveUp()
    wait_s = max(attempt.retry_after_s or 0.0, own_wait_s(attempt.number, jitter))
    if attempt.method not in READS:
        return GiveBack(wait_s)
    return WaitThenRetry(wait_s) if wait_s <= attempt.left_s else GiveUp(needed_s=wait_s)


def read_retry_after(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """Return the seconds that Retry-After, else X-RateLimit-Reset asks for; None when neither can be read.

    `now_s` is the server's time of day in Unix seconds; two of the forms name an instant. Source: coder-api section 6.
    """
    after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,300}(\.[0-9]{1,300})?", after):
        return min(float(after), LONGEST_TOLD_S)
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - now_s)
        except (ValueError, OverflowError):
            pass
    reset = headers.get("x-ratelimit-reset", "").strip()
    return max(0.0, float(reset) - now_s) if re.fullmatch(r"[0-9]{1,12}", reset) else None


def server_time_s(headers: Mapping[str, str]) -> float | None:
    """Return the server's time of day in Unix seconds; None when it does not say it, or a cache answered."""
    return None if "age" in headers else _time_of(headers.get("date", ""))


@lru_cache(maxsize=16)  # all answers of a second say the same
def _time_of(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _may_repeat(attempt: Attempt) -> bool:
    if attempt.result == 429:
        return True
    most = MAX_LOST_ATTEMPTS if attempt.result is NoAnswerKind.LOST else MAX_ATTEMPTS
    if attempt.number >= (most if attempt.took_s < SLOW_S else MAX_SLOW_ATTEMPTS):
        return False
    if attempt.result in (NoAnswerKind.NOT_SENT, NoAnswerKind.TURNED_AWAY):
        return attempt.was_seen
    return attempt.method in READS and attempt.result in (NoAnswerKind.LOST, NoAnswerKind.DATABASE_AWAY, *_BUSY)


def own_wait_s(number: int, jitter: float) -> float:
    """Return how long to wait after attempt `number` (from 1) where nobody says how long."""
    longest = min(FIRST_WAIT_S * 2.0 ** min(number - 1, 10), LONGEST_WAIT_S)
    return longest * (1 - jitter / 2)
