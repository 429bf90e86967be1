"""A stand-in Coder server, on starlette and uvicorn: small, strict, real over HTTP.

It imports nothing of the rest, so that it cannot share a mistake with the client that is tested against it.
"""

from .control_guard import SECRET_HEADER
from .server import Sandbox, serve
from .values import Fault, Options, Ready, Request

__all__ = ["SECRET_HEADER", "Fault", "Options", "Ready", "Request", "Sandbox", "serve"]
