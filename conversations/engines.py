"""The process's one client of the engine host."""

import functools

from django.conf import settings

from inference.client import EngineClient


@functools.cache
def engines() -> EngineClient:
    """Shared by all sockets and pages of this process, on its one event loop."""
    return EngineClient(settings.INFERENCE.engine_url, api_key=settings.INFERENCE.engine_api_key)
