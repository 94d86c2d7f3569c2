"""The borrowed voices of a session: asked for by name, used while they are lent, given back when they are taken."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog

from conversations.realtime.borrowing import Borrowed, Lender, NotLent

log = structlog.get_logger(__name__)
ASK_S = 3.0
"""A lender that takes longer lends nothing: the answer is not to wait for it."""
MOST = 8
"""Voices that one session may have borrowed at the same time; the one asked for first goes back first."""
AGAIN_S = 2.0
AWAY = "The voice could not be fetched now. The usual voice speaks; choose it again in a moment."

Start = Callable[[Coroutine[Any, Any, None], str], "asyncio.Task[None]"]
TakenBack = Callable[[Borrowed, str], None]


def is_profile(name: str) -> bool:
    """Whether that may be the id of a voice profile: the host's own voices have other names."""
    try:
        return str(UUID(name)) == name.lower()
    except ValueError:
        return False


class Voices:
    """``start`` begins a task of the session's."""

    def __init__(self, lender: Lender | None, person_id: str, *, start: Start) -> None:
        self.taken_back: TakenBack = lambda voice, reason: None
        """Told of a voice that may not be used any more, and why."""
        self.own: Borrowed | None = None
        """The speaker's own, once they agreed and have said enough; it speaks instead of the session's voice."""
        self._lender = lender
        self._person_id = person_id
        self._start = start
        self._lent: dict[str, Borrowed] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, str] = {}

    def borrowed(self, voice_id: str) -> Borrowed | None:
        """The voice, if it is lent now."""
        voice = self._lent.get(voice_id.lower())
        return voice if voice is not None and not voice.stopped else None

    def want(self, voice_id: str) -> bool:
        """Asks for a voice unless it is there, or none that can be borrowed; True when `settled` is to be awaited."""
        voice_id = voice_id.lower()
        if self._lender is None or not is_profile(voice_id) or self.borrowed(voice_id) is not None:
            return False
        if voice_id not in self._asking:
            self._asking[voice_id] = self._start(self._ask(self._lender, voice_id), "borrow voice")
        return True

    async def settled(self, voice_id: str) -> str:
        """Waits until it is known whether the voice is lent; returns why it is not, for people; empty when it is."""
        voice_id = voice_id.lower()
        if (asking := self._asking.get(voice_id)) is not None:
            await asyncio.wait([asking])
        return self._refused.get(voice_id, "") if self.borrowed(voice_id) is None else ""

    async def _ask(self, lender: Lender, voice_id: str) -> None:
        self._refused.pop(voice_id, None)
        try:
            async with asyncio.timeout(ASK_S):
                voice = await lender.lend(self._person_id, voice_id)
        except NotLent as error:
            self._refused[voice_id] = error.message
        except Exception as error:  # noqa: BLE001 - a voice that cannot be fetched ends no conversation
            log.warning("voice_not_fetched", error=type(error).__name__)
            self._refused[voice_id] = AWAY
        else:
            self._keep(lender, voice_id, voice)
        finally:
            del self._asking[voice_id]
            if len(self._refused) > MOST:
                del self._refused[next(iter(self._refused))]

    def _keep(self, lender: Lender, voice_id: str, voice: Borrowed) -> None:
        self._lent.pop(voice_id, None)
        self._lent[voice_id] = voice
        if (watching := self._watching.pop(voice_id, None)) is not None:
            watching.cancel()
        self._watching[voice_id] = self._start(self._watch(lender, voice), "borrowed voice")
        while len(self._lent) > MOST:
            oldest = next(iter(self._lent))
            del self._lent[oldest]
            self._watching.pop(oldest).cancel()

    async def _watch(self, lender: Lender, voice: Borrowed) -> None:
        """A lender that cannot be asked is asked again: nobody else would tell that the voice is taken back."""
        while not voice.stopped:
            try:
                async with aclosing(lender.stopped(self._person_id, voice)) as reasons:
                    async for reason in reasons:
                        voice.stop()
                        self.taken_back(voice, reason)
                        return
            except Exception as error:  # noqa: BLE001 - whatever the database raises
                log.warning("voice_not_watched", error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)
