"""What an engine's health address says."""

from contextlib import suppress
from typing import Literal

import aiohttp
import msgspec

_TIMEOUT_S = 5.0
_MOST_BYTES = 65_536


class Health(msgspec.Struct, frozen=True):
    """``GET /health`` of a worker, 503 unless it is ready; a server that answers 200 with anything else is ready."""

    state: Literal["loading", "ready", "failed"] = "ready"
    progress: float | None = None
    detail: str = ""
    memory_bytes: int = 0


async def ask_health(http: aiohttp.ClientSession, url: str) -> Health | None:
    """None when there is no answer, or one that says neither 200 nor, with 503, why not."""
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), allow_redirects=False) as response:
            if response.status not in (200, 503):
                return None
            body = await response.content.read(_MOST_BYTES)
            try:
                told = msgspec.json.decode(body, type=Health)
            except msgspec.MsgspecError:
                told = Health()
            return None if response.status == 503 and told.state == "ready" else told
    return None
