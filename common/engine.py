"""The engine host, as the settings name it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from inference.client import EngineClient

T = TypeVar("T")


def client() -> EngineClient:
    """One for the caller alone, to be entered and left, on one event loop."""
    return EngineClient(settings.INFERENCE.engine_url, api_key=settings.INFERENCE.engine_api_key)


def ask(work: Callable[[EngineClient], Awaitable[T]]) -> T:
    """Runs ``work`` with a client of its own; blocks. Not from a coroutine. Raises `inference.errors.EngineError`."""

    async def asked() -> T:
        async with client() as host:
            return await work(host)

    return asyncio.run(asked())
