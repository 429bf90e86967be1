"""A stand-in Coder server: small, strict, real over HTTP; shares no code with the client that is tested against it."""

from .server import Sandbox, serve
from .values import Fault, Options, Request

__all__ = ["Fault", "Options", "Request", "Sandbox", "serve"]
