"""Making API keys and hashing passwords; who may have one is the handlers' business."""

from __future__ import annotations

import hashlib
import secrets
import string
from datetime import timedelta
from typing import TYPE_CHECKING

from .clock import as_text

if TYPE_CHECKING:
    from .clock import Clock
    from .database import Database

SESSION_LIFETIME = timedelta(days=30)
_ALPHABET = string.ascii_letters + string.digits


def issue_key(
    database: Database, clock: Clock, user_id: str, *, token_name: str = "", lifetime: timedelta = SESSION_LIFETIME
) -> str:
    """Store a new key and return its text, `<10 characters>-<22 characters>`."""
    key_id, secret = _random(10), _random(22)
    database.run(
        "INSERT INTO api_keys (id, secret, user_id, token_name, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        key_id, secret, user_id, token_name, as_text(clock.now() + lifetime), clock.tick(),
    )  # fmt: skip
    return f"{key_id}-{secret}"


def hash_password(password: str) -> str:
    """Return what is stored of a password: enough for a stand-in, not for a real server."""
    return hashlib.sha256(password.encode("utf-8", "replace")).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
