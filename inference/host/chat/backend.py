"""What the host asks of a chat backend."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import aiohttp

from inference.host.chat.figures import ServerTotals
from inference.types import EngineStatus

ChatBody = dict[str, Any]
"""A chat completion request as JSON, the OpenAI form; passed on as it came but for what the backend must set."""


class ChatBackend(Protocol):
    """A server of chat completions."""

    slots: int
    """Answers it can write at once."""
    totals: ServerTotals | None
    """What a vLLM server tells of itself."""

    @property
    def status(self) -> EngineStatus: ...

    @property
    def context_tokens(self) -> int: ...

    async def run(self) -> None:
        """Keeps the backend reachable until cancelled."""

    async def get_ready(self) -> None:
        """Returns once requests can be sent; raises `EngineUnavailable` when that will take too long."""

    def forces_calls(self) -> bool:
        """Whether a required function call has to be made certain by `inference.host.chat.forced_call`."""

    def post(self, body: ChatBody) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Sends a completion request; leaving the block ends it, finished or not.

        Raises `EngineUnavailable` when the backend cannot be reached.
        """
