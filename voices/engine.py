"""The engines, asked from plain code: services, commands, background tasks."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.conf import settings

from inference.client import EngineClient

T = TypeVar("T")


def ask(work: Callable[[EngineClient], Awaitable[T]]) -> T:
    """Runs ``work`` with a client of its own; blocks. Not from a coroutine. Raises `inference.errors.EngineError`."""

    async def asked() -> T:
        async with EngineClient(settings.INFERENCE.engine_url, api_key=settings.INFERENCE.engine_api_key) as client:
            return await work(client)

    return asyncio.run(asked())
