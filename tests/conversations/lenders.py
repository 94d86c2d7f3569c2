"""A lender by script: which voices there are, and when they are taken back."""

import asyncio
from collections.abc import AsyncGenerator

from conversations.realtime.borrowing import Borrowed, NotLent, Utterance
from inference.types import Reference

MIA = "0198a000-0000-7000-8000-00000000abcd"
"""A profile that everybody may use."""


class FakeLender:
    """Implements `conversations.realtime.borrowing.Lender`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open: list[Utterance] = []
        self.ends: dict[str, tuple[bytes, bool]] = {}
        self.answers = asyncio.Event()
        self.answers.set()
        self.broken = False
        self._taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def take_back(self, reason: str = "withdrawn") -> None:
        self._taken.set_result(reason)

    async def lend(self, person_id: str, voice_id: str) -> Borrowed:
        self.asked.append((person_id, voice_id))
        await self.answers.wait()
        if voice_id != MIA:
            raise NotLent("There is no such voice.")
        reference = Reference.of("sample-of-mia", b"\x01\x00" * 24_000 * 4, transcript="It is me.", language="en")
        return Borrowed(voice_id, reference, owner_id="mia")

    async def stopped(self, person_id: str, voice: Borrowed) -> AsyncGenerator[str, None]:
        yield await asyncio.shield(self._taken)

    async def opened(self, utterance: Utterance) -> None:
        if self.broken:
            raise OSError("The disk is full.")
        self.open.append(utterance)

    async def closed(self, utterance: Utterance, pcm: bytes, *, complete: bool) -> None:
        self.ends[utterance.id] = (pcm, complete)
