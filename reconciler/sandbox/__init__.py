"""A stand-in Coder server, on starlette and uvicorn: small, strict, real over HTTP.

It imports nothing of the rest, so that it cannot share a mistake with the client that is tested against it.
"""

from .server import Sandbox, serve
from .values import Fault, Options, Request

__all__ = ["Fault", "Options", "Request", "Sandbox", "serve"]
