"""The utterance being spoken: its sound on the way to the disk, its words on the way to the screen."""

import asyncio
from collections.abc import Callable

from conversations.realtime.live import Live, Sound
from conversations.realtime.partials import Partials
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.waterfall import Turn
from inference.audio.resample import Resampler
from inference.errors import EngineError
from inference.types import STT_RATE, WIRE_RATE

UNBROKEN_S = 2.5
"""Who speaks on without a pause is transcribed this often, for the words on the screen."""
PARTIAL_DUE_S = 3.0
LONGEST_PARTIAL_BYTES = 12 * 2 * WIRE_RATE
"""Later in a long utterance only its pauses are shown: each look at all of it would cost more."""


class OpenUtterance:
    """From the start of speech to the end of the turn. ``sound_after`` gives its PCM16 from a byte on, at WIRE_RATE."""

    def __init__(self, live: Live, turn: Turn, sound_after: Callable[[int], bytes]) -> None:
        self.turn = turn
        self.partials = Partials()
        self._live = live
        self._sound_after = sound_after
        self._spool = live.record.spool(turn.id)
        self._saving: asyncio.Task[str] | None = None
        self._watching = live.start(self._watch(), "partials")
        self._looked = asyncio.Event()

    def paused(self) -> None:
        """What is encoded now need not be when the turn is over and everybody waits."""
        self._looked.set()
        if self._saving is None:
            self._live.start(self._spool.add(self._sound_after(self._spool.fed)), "spool")

    def settling(self) -> None:
        """The turn is about to be over: its sound goes to the disk, but for the silence that follows."""
        if self._saving is None:
            self._saving = self._live.tasks.create_task(self._spool.save(self._sound_after(self._spool.fed)))

    def resumed(self, hypothesis: str | None) -> None:
        """Speech goes on; ``hypothesis`` is what was understood in the pause."""
        if hypothesis:
            self._show(hypothesis)
        if self._saving is not None:
            self._live.start(_discard(self._spool, self._saving), "discard")
            self._spool, self._saving = self._live.record.spool(self.turn.id), None

    def over(self, sound: bytes) -> tuple["asyncio.Task[str]", int]:
        """The task that stores the sound (PCM16 of the whole utterance) under its id, and how many bytes it stores."""
        self._watching.cancel()
        if self._saving is None:
            self._saving = self._live.tasks.create_task(self._spool.save(sound[self._spool.fed :]))
            return self._saving, len(sound)
        return self._saving, self._spool.fed

    def dropped(self) -> None:
        """The client has cleared the buffer."""
        self._watching.cancel()
        if self._saving is not None:
            self._live.start(_discard(self._spool, self._saving), "discard")

    async def _watch(self) -> None:
        """Shows words of somebody who does not pause; every pause shows them anyway."""
        while True:
            self._looked.clear()
            try:
                async with asyncio.timeout(UNBROKEN_S):
                    await self._looked.wait()
                continue
            except TimeoutError:
                sound = self._sound_after(0)
            if self._live.crowded or self._live.settings.audio.input.transcription is None:
                continue
            if 0 < len(sound) <= LONGEST_PARTIAL_BYTES:
                await self._look(sound)

    async def _look(self, sound: bytes) -> None:
        asking = self._live.tasks.create_task(self._hypothesis(sound), name="partial")
        pausing = self._live.tasks.create_task(self._looked.wait(), name="pause")
        try:
            await asyncio.wait([asking, pausing], return_when=asyncio.FIRST_COMPLETED)
            if asking.done() and (hypothesis := asking.result()):
                self._show(hypothesis)
        finally:
            # In a pause the machine has something better to do.
            asking.cancel()
            pausing.cancel()

    async def _hypothesis(self, sound: bytes) -> str:
        transcription = self._live.settings.audio.input.transcription
        language = transcription.language if transcription is not None else None
        try:
            words = await self._live.engines.transcribe(for_hearing(sound), language=language, due_in_s=PARTIAL_DUE_S)
        except EngineError:
            return ""  # a partial is only nice to have; the final transcription tells what is wrong
        return words.text

    def _show(self, hypothesis: str) -> None:
        delta = self.partials.agreed(hypothesis)
        if delta and self._live.settings.audio.input.transcription is not None:
            self._live.outbox.emit(ev.TranscriptionDelta(item_id=self.turn.item_id, delta=delta))


async def _discard(spool: Sound, saving: "asyncio.Task[str]") -> None:
    await saving
    await spool.discard()


def for_hearing(sound: bytes) -> bytes:
    """PCM16 from WIRE_RATE to STT_RATE."""
    return Resampler(WIRE_RATE, STT_RATE).feed(sound, last=True)
