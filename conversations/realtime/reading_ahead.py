"""What came before is read by the chat model while the user speaks: only the new words are left when it matters."""

import asyncio
import contextlib

import msgspec

from conversations.realtime.context import Window
from conversations.realtime.live import Live
from conversations.realtime.plans import plan
from conversations.realtime.protocol.client_events import ResponseOptions
from inference.errors import EngineError

READ_AHEAD_DUE_S = 0.5


class ReadingAhead:
    """One at a time; ``window`` is the part of the conversation that the answer will be given from."""

    def __init__(self, live: Live, window: Window) -> None:
        self._live = live
        self._window = window
        self._reading: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The user has begun to speak. Nothing is read where `Live.reads_ahead` does not allow it."""
        reading = self._reading is not None and not self._reading.done()
        if self._live.reads_ahead and not reading:
            self._reading = self._live.start(self._read(), "read ahead")

    async def _read(self) -> None:
        request = plan(self._live, self._window, ResponseOptions()).request
        # One token is the least that can be asked for; the prompt is what counts.
        request = msgspec.structs.replace(request, tool_choice=None, max_tokens=1)
        with contextlib.suppress(EngineError):  # nobody waits for it, and the answer itself will tell
            async for _ in self._live.engines.chat(request, due_in_s=READ_AHEAD_DUE_S):
                pass
