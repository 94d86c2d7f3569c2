"""What the host asks of a chat backend."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import aiohttp

from inference.host.chat.figures import ServerTotals
from inference.types import EngineStatus

ChatBody = dict[str, Any]
"""A chat completion request as JSON, the OpenAI form; passed on as it came but for what the backend must set."""


RUNNING_USAGE = "continuous_usage_stats"
"""vLLM's name, among a request's ``stream_options``: tokens are told with every chunk."""


def without_running_usage(body: ChatBody) -> tuple[ChatBody, bool]:
    """The request without that wish, for servers that would not know it, and whether it was there."""
    options = body.get("stream_options")
    if not isinstance(options, dict) or RUNNING_USAGE not in options:
        return body, False
    others = {name: value for name, value in options.items() if name != RUNNING_USAGE}
    return {**body, "stream_options": others}, bool(options[RUNNING_USAGE])


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
