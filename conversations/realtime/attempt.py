"""Work on an utterance that may be over: its words, whether it sounds finished, and the beginning of an answer."""

import asyncio
import time
from collections.abc import Callable

import structlog

from conversations.realtime.answering import Answering
from conversations.realtime.generation import Generation
from conversations.realtime.live import Live
from conversations.realtime.patience import asked_patiently
from inference.errors import EngineError
from inference.types import STT_RATE, Transcript

log = structlog.get_logger(__name__)
SMART_TURN_BYTES = 8 * STT_RATE * 2
UNFINISHED = 0.3
"""Below this probability of having finished no answer is begun early."""
HOPELESS = 0.15
"""Below it the speaker is only drawing breath: the words are not asked for until the pause has lasted ..."""
BREATH_S = 0.4
"""... this long. So the pauses within long sentences cost the other sessions nothing."""
PROMPT_CHARACTERS = 500
SILENCE_AFTER = bytes(2 * STT_RATE // 5)
"""Whisper needs to hear that a sentence has ended: after 64 ms of silence alone it wrote "Is Is Is" for one clip in
three, with 200 ms more never; how much of it is zeros does not matter."""

Witness = Callable[["Attempt", float | None, str | None], None]


class Attempt:
    """Begun in a pause; void when speech goes on, else what the turn is made of.

    ``witness`` is told when something becomes known: Smart Turn's probability, the words, or both in turn.
    """

    def __init__(self, live: Live, audio: bytes, *, pause: int | None = None, witness: Witness | None = None) -> None:
        self.pause = pause
        self.audio = audio
        """PCM16 mono at STT_RATE."""
        self.transcribed = 0.0
        """When the words were known, on the monotonic clock; 0 before."""
        self.known: Transcript | None = None
        """The transcript, if it is there by now."""
        self.probability: float | None = None
        self.early: Generation | None = None
        self._live = live
        self._witness = witness
        self._words: asyncio.Future[Transcript | EngineError] = asyncio.get_running_loop().create_future()
        self._waiting_s = 0.0
        self._asking = live.start(self._ask(), "transcribe")
        self._judging = live.start(self._judge(audio), "end of turn") if pause is not None else None

    async def words(self) -> Transcript | EngineError:
        """The transcript, or why there is none. The turn is over: it is waited for no longer than it takes."""
        if self._waiting_s and not self._words.done():
            self._ask_anew(0.0)
        return await asyncio.shield(self._words)

    @property
    def convincing(self) -> bool:
        """There are words, and the voice does not sound as if more were to come."""
        heard = self.known is not None and bool(self.known.text)
        return heard and self.probability is not None and self.probability >= UNFINISHED

    def judge_again(self, audio: bytes) -> None:
        """The pause lasts; ``audio`` holds more of its silence."""
        if self._judging is not None:
            self._judging.cancel()
        self._judging = self._live.start(self._judge(audio), "end of turn")

    def answer_early(self, answering: Answering) -> None:
        """Begins the answer to what was understood."""
        if self.early is None and self.known is not None:
            self.early = answering.speculate(self.known)

    def drop(self) -> None:
        """Speech went on: all of it was in vain."""
        self._asking.cancel()
        self._words.cancel()
        if self._judging is not None:
            self._judging.cancel()
        self.drop_answer()

    def drop_answer(self) -> None:
        if self.early is not None:
            self.early.stop()
            self.early = None

    def _ask_anew(self, waiting_s: float) -> None:
        self._asking.cancel()
        self._waiting_s = waiting_s
        self._asking = self._live.start(self._ask(), "transcribe")

    async def _ask(self) -> None:
        await asyncio.sleep(self._waiting_s)
        self._waiting_s = 0.0
        transcription = self._live.settings.audio.input.transcription
        language = transcription.language if transcription is not None else None
        prompt = transcription.prompt if transcription is not None else None
        try:
            words = await asked_patiently(
                lambda: self._live.engines.transcribe(
                    self.audio + SILENCE_AFTER, language=language, prompt=(prompt or "")[:PROMPT_CHARACTERS] or None
                )
            )
        except EngineError as error:
            log.warning("transcription_failed", session=self._live.session_id, code=error.code)
            self._words.set_result(error)
            return
        self.transcribed = time.monotonic()
        self.known = words
        self._words.set_result(words)
        if self._witness is not None:
            self._witness(self, None, words.text)

    async def _judge(self, audio: bytes) -> None:
        try:
            self.probability = await self._live.engines.end_of_turn(audio[-SMART_TURN_BYTES:])
        except EngineError as error:
            # The silence alone then decides when the turn is over.
            log.warning("end_of_turn_failed", session=self._live.session_id, code=error.code)
            return
        if audio is self.audio and self.probability < HOPELESS and not self._words.done():
            self._ask_anew(BREATH_S)
        if self._witness is not None:
            self._witness(self, self.probability, None)
