"""The engines of a re-run: this machine's, after everybody who is talking, and maybe another server's chat model."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Unpack

import msgspec
from django.conf import settings

from conversations.errors import Invalid
from conversations.rerun.queue import is_url
from inference.client import EngineClient
from inference.ports import Engines, HearingWish, Lease, Speech, SpeechWish
from inference.types import ChatDelta, ChatRequest, HostStatus, Queued, Transcript

LATER_S = 3.0
"""How much later than in a live session everything is due: the living are served first."""


class Chosen(msgspec.Struct, frozen=True):
    """What was asked for, checked against what there is. Empty names: what the host takes by itself."""

    model: str = ""
    voice: str = ""
    chat_url: str = ""


class PatientEngines:
    """Implements `inference.ports.Engines`; ``chat_engines`` answers, ``host`` does the rest."""

    def __init__(self, host: Engines, chat_engines: Engines | None = None, *, later_s: float = LATER_S) -> None:
        self._host = host
        self._chat = chat_engines or host
        self._later_s = later_s

    async def transcribe(self, pcm: bytes, *, due_in_s: float = 0.0, **wish: Unpack[HearingWish]) -> Transcript:
        return await self._host.transcribe(pcm, due_in_s=due_in_s + self._later_s, **wish)

    def chat(self, request: ChatRequest, *, due_in_s: float = 0.0) -> AsyncIterator[ChatDelta]:
        return self._chat.chat(request, due_in_s=due_in_s + self._later_s)

    def speech(
        self, text: str, *, due_in_s: float = 0.0, **wish: Unpack[SpeechWish]
    ) -> AbstractAsyncContextManager[Speech]:
        return self._host.speech(text, due_in_s=due_in_s + self._later_s, **wish)

    async def forget_reference(self, reference_id: str) -> None:
        await self._host.forget_reference(reference_id)

    async def embed(self, pcm: bytes, *, due_in_s: float = 0.0) -> tuple[float, ...]:
        return await self._host.embed(pcm, due_in_s=due_in_s + self._later_s)

    async def end_of_turn(self, pcm: bytes) -> float:
        return await self._host.end_of_turn(pcm)

    def lease(self, *, queued: Callable[[Queued], None] | None = None) -> AbstractAsyncContextManager[Lease]:
        return self._host.lease(queued=queued)

    async def status(self) -> HostStatus:
        return await self._host.status()


@asynccontextmanager
async def opened(llm: str = "", *, key_variable: str = "") -> AsyncIterator[Engines]:
    """The engines for a re-run, closed afterwards. ``llm``: a model of the host, or ``URL#MODEL`` of another server.

    ``key_variable`` names the environment variable that holds that server's API key.
    """
    inference = settings.INFERENCE
    async with AsyncExitStack() as stack:
        host = await stack.enter_async_context(EngineClient(inference.engine_url, api_key=inference.engine_api_key))
        other = None
        if is_url(llm):
            api_key = os.environ.get(key_variable, "") if key_variable else ""
            other = await stack.enter_async_context(EngineClient(llm.partition("#")[0], api_key=api_key))
        yield PatientEngines(host, other)


def choose(status: HostStatus, llm: str, voice: str) -> Chosen:
    """Raises `Invalid` naming what there is, when a name is not among it."""
    models = [engine.model for engine in status.engines if engine.kind == "chat" and engine.model]
    voices = [one.id for one in status.voices]
    if voice and voice not in voices:
        raise Invalid(f"There is no voice {voice!r}. There are: {', '.join(voices)}.")
    if is_url(llm):
        url, _, model = llm.partition("#")
        return Chosen(model, voice, url)
    if llm and llm not in models:
        raise Invalid(
            f"The engine host does not offer the chat model {llm!r}, only {', '.join(models)}. "
            "Name one of them, or the URL of a server as URL#MODEL."
        )
    return Chosen(llm or (models[0] if models else ""), voice)
