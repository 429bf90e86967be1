"""A stand-in Coder server, on starlette and uvicorn: small, strict, real over HTTP.

It imports nothing of the rest, so that it cannot share a mistake with the client that is tested against it.
"""

from .control_guard import SECRET_HEADER
from .generations import COST_CONTROL_EXPERIMENT
from .server import Sandbox, serve
from .values import Fault, Options, Profile, Ready, RecordedRequest

__all__ = [
    "COST_CONTROL_EXPERIMENT",
    "SECRET_HEADER",
    "Fault",
    "Options",
    "Profile",
    "Ready",
    "RecordedRequest",
    "Sandbox",
    "serve",
]
