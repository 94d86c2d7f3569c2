"""One sentence aloud: by the borrowed voice, or by the host's own that stands in for it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import msgspec
import structlog

from conversations.realtime.borrowing import Borrowed, Lender, Utterance
from conversations.realtime.patience import patiently
from conversations.realtime.steps import Plan, Sound, Voiced
from inference.errors import EngineError
from inference.ports import Engines
from inference.types import SpeechMade

log = structlog.get_logger(__name__)
FIRST_PATIENCE_S = 20.0
NEXT_PATIENCE_S = 5.0
BORROWED_PATIENCE_S = 2.0
"""How long an engine that is starting is waited for; a borrowed voice has one that stands in for it."""


BROKE_OFF, TAKEN_BACK = "broke_off", "voice_stopped"
"""Codes of `SpeechMade.fallback` that the session gives: the cloned sentence ended too early, or may not go on."""


class Taken(Exception):
    """The borrowed voice was taken back over the sentence."""


class Origin:
    """Where cloned sentences came from is written down: before their first sound, and when they end.

    ``start`` begins a task that ends with whoever owns the answer.
    """

    def __init__(
        self,
        lender: Lender,
        *,
        speaker_id: str,
        conversation_id: str,
        start: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
    ) -> None:
        self._lender = lender
        self._speaker_id = speaker_id
        self._conversation_id = conversation_id
        self._start = start
        self._closing: set[asyncio.Task[None]] = set()

    async def open(self, borrowed: Borrowed, made: SpeechMade) -> Utterance:
        """Raises `EngineError` when it cannot be recorded: then nothing is said."""
        utterance = Utterance(
            id=str(uuid4()),
            voice=borrowed.id,
            owner_id=borrowed.owner_id,
            speaker_id=self._speaker_id,
            conversation_id=self._conversation_id,
            made=made,
        )
        try:
            await self._lender.opened(utterance)
        except Exception as error:
            log.warning("origin_not_recorded", error=type(error).__name__)
            raise EngineError("Where the cloned speech comes from cannot be recorded now.") from error
        return utterance

    def close(self, utterance: Utterance, pcm: bytes, *, complete: bool) -> None:
        work = self._close(utterance, pcm, complete)
        try:
            task = self._start(work, "origin")
        except RuntimeError:  # a task group that is ending takes no more: this outlives it by a moment (`settled`)
            task = asyncio.create_task(work, name="origin")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def settled(self) -> None:
        """Waits until the ends of all are recorded."""
        if self._closing:
            await asyncio.wait(self._closing)

    async def _close(self, utterance: Utterance, pcm: bytes, complete: bool) -> None:
        try:
            await self._lender.closed(utterance, pcm, complete=complete)
        except Exception as error:  # noqa: BLE001 - the record says that it began, and that is enough to find it
            log.warning("origin_not_closed", error=type(error).__name__)


class Voice:
    """Says the sentences of one answer."""

    def __init__(self, engines: Engines, plan: Plan, origin: Origin | None) -> None:
        self._engines = engines
        self._plan = plan
        self._origin = origin

    @property
    def borrowed(self) -> Borrowed | None:
        """The borrowed voice, while it may be used."""
        borrowed = self._plan.borrowed
        return borrowed if borrowed is not None and not borrowed.stopped else None

    async def say(
        self, index: int, words: str, *, due_in_s: float, borrowed: Borrowed | None
    ) -> AsyncGenerator[Voiced | Sound, None]:
        """Who speaks, then the sound. Raises `EngineError`; `Taken` when the voice that speaks is taken back."""
        patience_s = FIRST_PATIENCE_S if index == 0 else NEXT_PATIENCE_S
        if borrowed is not None:
            patience_s = BORROWED_PATIENCE_S
        utterance: Utterance | None = None
        pcm, complete = bytearray(), False
        stream = patiently(lambda: self._stream(words, due_in_s, borrowed), patience_s=patience_s)
        try:
            async with aclosing(_until_taken(stream, borrowed)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, SpeechMade):
                        made = self._told(piece, borrowed)
                        utterance = await self._origin_of(borrowed, made)
                        yield Voiced(index, made, utterance.id if utterance is not None else "")
                    elif piece:
                        if utterance is not None:
                            pcm += piece
                        yield Sound(piece)
            complete = True
        finally:
            if utterance is not None and self._origin is not None:
                self._origin.close(utterance, bytes(pcm), complete=complete)

    def _told(self, made: SpeechMade, borrowed: Borrowed | None) -> SpeechMade:
        """The host was not asked for a voice that broke off or was taken back: why it is another one is known here."""
        asked = self._plan.borrowed
        if asked is None or borrowed is not None or made.fallback:
            return made
        return msgspec.structs.replace(made, fallback=TAKEN_BACK if asked.stopped else BROKE_OFF)

    async def _origin_of(self, borrowed: Borrowed | None, made: SpeechMade) -> Utterance | None:
        """Cloned sound without a record of its origin, or without its watermark, is not given."""
        if not made.cloned:
            return None
        if self._origin is None or borrowed is None or not made.watermarked:
            raise EngineError("Cloned speech comes with its watermark and the record of its origin.", permanent=True)
        return await self._origin.open(borrowed, made)

    async def _stream(
        self, words: str, due_in_s: float, borrowed: Borrowed | None
    ) -> AsyncGenerator[SpeechMade | bytes, None]:
        plan = self._plan
        async with self._engines.speech(
            words,
            voice=plan.voice,
            language=plan.language,
            speed=plan.speed,
            due_in_s=due_in_s,
            reference=borrowed.reference if borrowed is not None else None,
            quality=plan.quality,
        ) as speech:
            yield speech.made
            async for pcm in speech:
                yield pcm


async def _until_taken(
    stream: AsyncGenerator[SpeechMade | bytes, None], borrowed: Borrowed | None
) -> AsyncGenerator[SpeechMade | bytes, None]:
    """The stream's pieces; raises `Taken` as soon as the voice is stopped, also while a piece is waited for.

    A voice that stands in for it is nobody's to take back: once it speaks it says its sentence to the end.
    """
    async with aclosing(stream):
        if borrowed is None:
            async for piece in stream:
                yield piece
            return
        taken = asyncio.create_task(borrowed.wait_stopped(), name="taken back")
        try:
            while True:
                following = asyncio.create_task(_next(stream), name="next piece")
                try:
                    await asyncio.wait([following, taken], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not following.done():
                        following.cancel()
                        await asyncio.wait([following])
                if borrowed.stopped:
                    raise Taken
                got = following.result()
                if got is None:
                    return
                yield got
                if isinstance(got, SpeechMade) and not got.cloned:
                    break
            async for piece in stream:
                yield piece
        finally:
            taken.cancel()


async def _next(stream: AsyncGenerator[SpeechMade | bytes, None]) -> SpeechMade | bytes | None:
    return await anext(stream, None)
