"""Pokes between processes over the Channels layer: "look at the log". Nobody's words travel there.

A poke is only quicker than looking: the log says what is true, and whoever waits for a poke also looks by itself every
few seconds. So a lost poke, a lost Redis, or no Redis beside several processes costs time, not truth.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
import structlog
from channels.layers import get_channel_layer
from django.conf import settings

log = structlog.get_logger(__name__)
Order = Literal["mute", "unmute", "end", "look"]
SEND_S = 1.0
"""A layer that takes longer is left to itself."""
AGAIN_S = 5.0
"""Until a lost layer is tried again."""
_TYPE = "avatar.poke"

_serving: asyncio.AbstractEventLoop | None = None
"""The loop of this process on which somebody listens; queues of the in-memory layer live there."""


class Poke(msgspec.Struct, frozen=True, omit_defaults=True):
    """``order`` and ``reason`` are for a session, ``sequence`` for those who follow a conversation."""

    order: str = ""
    reason: str = ""
    sequence: int = 0


class Ear:
    """What `listening` gives. Pokes that come faster than they are waited for become one; an end is not forgotten."""

    def __init__(self) -> None:
        self._more = asyncio.Event()
        self._last = Poke()

    async def wait(self, timeout_s: float) -> Poke | None:
        """The newest poke since the last call, at once if there is one; None when none came in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._more.wait()
        if not self._more.is_set():
            return None
        self._more.clear()
        poke, self._last = self._last, Poke()
        return poke

    def heard(self, poke: Poke) -> None:
        if self._last.order != "end":
            self._last = poke
        self._more.set()


def session_group(session_id: str) -> str:
    return f"session.{session_id}"


def watch_group(conversation_id: str) -> str:
    return f"conversation.{conversation_id}"


def voice_group(voice_id: str) -> str:
    return f"voice.{voice_id}"


@asynccontextmanager
async def listening(group: str) -> AsyncIterator[Ear]:
    """Hears what is sent to the group, for the block. A layer that fails is tried again; nothing is raised."""
    global _serving  # noqa: PLW0603 - one per process, as the layer's queues are
    _serving = asyncio.get_running_loop()
    ear = Ear()
    task = asyncio.create_task(_hear(group, ear), name=f"listening to {group}")
    try:
        yield ear
    finally:
        task.cancel()
        await asyncio.wait([task])


async def atell_session(session_id: str, order: Order, reason: str) -> None:
    """Pokes the process that holds a live session. Write the fact first: a session obeys the log.

    An ``end`` alone is obeyed without a fact too (a conversation that was erased has no room for one).
    """
    await _send(session_group(session_id), Poke(order=order, reason=reason))


async def apoke(conversation_id: str, sequence: int) -> None:
    """Tells those who follow a conversation that its log has come to ``sequence``."""
    await _send(watch_group(conversation_id), Poke(sequence=sequence))


def tell_session(session_id: str, order: Order, reason: str) -> None:
    """`atell_session` for plain code: views, the admin, commands, background tasks."""
    _now(atell_session(session_id, order, reason))


def tell_voice(voice_id: str, reason: str) -> None:
    """Tells the sessions that use a voice to look whether they still may; for plain code."""
    _now(_send(voice_group(voice_id), Poke(order="look", reason=reason)))


def poke(conversation_id: str, sequence: int) -> None:
    """`apoke` for plain code."""
    _now(apoke(conversation_id, sequence))


def _now(sending: Coroutine[Any, Any, None]) -> None:
    """Sends on the loop that listens in this process; without one, only Redis can carry it to another process."""
    loop = _serving
    if loop is not None and loop.is_running():
        sent = asyncio.run_coroutine_threadsafe(sending, loop)
        if not _on(loop):
            with contextlib.suppress(TimeoutError):
                sent.result(2 * SEND_S)
    elif settings.REDIS_URL:
        asyncio.run(sending)
    else:
        sending.close()


def _on(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


async def _send(group: str, poke: Poke) -> None:
    try:
        async with asyncio.timeout(SEND_S):
            await get_channel_layer().group_send(group, {"type": _TYPE, **msgspec.to_builtins(poke)})
    except Exception as error:  # noqa: BLE001 - whatever the layer raises: the log is looked at without it
        log.warning("poke_not_sent", error=type(error).__name__)


async def _hear(group: str, ear: Ear) -> None:
    while True:
        try:
            await _hear_on_layer(group, ear)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises
            log.warning("pokes_not_heard", error=type(error).__name__)
        await asyncio.sleep(AGAIN_S)


async def _hear_on_layer(group: str, ear: Ear) -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    try:
        await layer.group_add(group, channel)
        while True:
            message = await layer.receive(channel)
            ear.heard(msgspec.convert(message, Poke))
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(SEND_S):
                await layer.group_discard(group, channel)
