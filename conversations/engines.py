"""The process's one client of the engine host."""

import functools

from common.engine import client
from inference.client import EngineClient


@functools.cache
def engines() -> EngineClient:
    """Shared by all sockets and pages of this process, on its one event loop."""
    return client()
